"""Fetches the series that were asked for by reference, again and again until each is a job or given up."""

import asyncio
import logging
from dataclasses import replace

from redis.exceptions import RedisError

from imaging.dicom_audit.codes import DESTINATION, SOURCE
from imaging.dicom_audit.objects import query
from imaging.errors import ImagingError
from imaging.header import Header
from inference.errors import InferenceError
from service.agenda import LEASE_S
from service.api.callback_sender import pause_s
from service.api.related import parts_of
from service.api.services import Services
from service.api.submission import ScoreOptions, Sender, choose_bundle, submit_received
from service.api.uploads import Upload, bounded, receive_parts
from service.audit_trail import this_process, user
from service.dicomweb.archive import Archive, FoundSeries, open_archive
from service.dicomweb.retrievals import Retrieval
from service.dicomweb.series_choice import choose_series
from service.errors import (
    ArchiveAwayError,
    ArchiveRefusedError,
    LaterError,
    MalformedRequestError,
    QueueFullError,
    SeriesUndecidedError,
    ServiceError,
    StoreError,
)
from service.failure_log import log_failure
from service.images import identify_instances
from service.keys import input_key
from service.problems import Problem, problem_of
from service.store import Intake
from service.task_end import end_tasks

logger = logging.getLogger(__name__)

_LOOK_S = 0.5
_AT_ONCE = 2
_LONGEST_PAUSE_S = 300.0
_NO_ROOM_PAUSE_S = 10.0


class Retriever:
    """Every API process has one; a lease keeps them from fetching the same series at once."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._in_hand: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Fetch for ever."""
        try:
            while True:
                await self._take_some()
                await asyncio.sleep(_LOOK_S)
        finally:
            await end_tasks(*self._in_hand)

    async def _take_some(self) -> None:
        try:
            taken = await self._services.retrievals.take(_AT_ONCE - len(self._in_hand))
        except RedisError as error:
            logger.warning("retrieving by reference failed: %s", type(error).__name__)
            return
        for retrieval in taken:
            task = asyncio.create_task(self._retrieve(retrieval))
            self._in_hand.add(task)
            task.add_done_callback(self._in_hand.discard)

    async def _retrieve(self, retrieval: Retrieval) -> None:
        keeping = asyncio.create_task(self._keep(retrieval))
        try:
            await self._note_outcome(retrieval)
        except RedisError as error:
            # Ours until the lease is over; then whoever is alive takes it.
            logger.warning("retrieval %s is left: %s", retrieval.retrieval_id, type(error).__name__)
        finally:
            await end_tasks(keeping)

    async def _note_outcome(self, retrieval: Retrieval) -> None:
        retrievals = self._services.retrievals
        try:
            job_id = await self._job_of(retrieval)
        except ArchiveAwayError as error:
            await self._try_again(retrieval, error)
        except (QueueFullError, LaterError, StoreError) as error:
            # Nothing is wrong with the server, or with the series.
            await retrievals.postpone(replace(retrieval, reason=str(error)), _NO_ROOM_PAUSE_S)
        except SeriesUndecidedError as error:
            await self._fail(retrieval, problem_of(error, series=error.series))
        except (ImagingError, InferenceError, ServiceError) as error:
            await self._fail(retrieval, problem_of(error))
        except RedisError:
            raise
        except Exception as error:
            # The edge of a job that is none yet.
            log_failure(error, where=f"retrieval {retrieval.retrieval_id}")
            await self._fail(retrieval, problem_of(error))
        else:
            if job_id is not None:
                logger.info("retrieval %s is job %s", retrieval.retrieval_id, job_id)
                await retrievals.settle(retrieval.submitted(job_id))

    async def _job_of(self, retrieval: Retrieval) -> str | None:
        """Fetch the series and queue its job; None where nobody wants it any more.

        Raises:
            ArchiveError: The server has it not, or not now.
            ImagingError, InferenceError, ServiceError: It cannot be scored, or not now.
        """
        services = self._services
        server = services.servers.named(retrieval.server, retrieval.owner)
        options = ScoreOptions.model_validate(retrieval.options)
        async with services.store.receiving() as intake:
            async with open_archive(server) as archive:
                upload = await self._fetched(archive, retrieval, options, intake)
            if not await services.retrievals.keep(retrieval):
                await intake.delete(f"inputs/{upload.upload_id}")
                return None
            participants = [server.participant(SOURCE), user(retrieval.owner)]
            sender = Sender(retrieval.owner, retrieval.traceparent, participants)
            return await submit_received(upload, intake, options, sender, services)

    async def _fetched(
        self, archive: Archive, retrieval: Retrieval, options: ScoreOptions, intake: Intake
    ) -> Upload:
        def fits(series: FoundSeries) -> bool:
            header = Header("dicom", series.modality, series.body_part, 0, 0, 0)
            try:
                choose_bundle(self._services.catalog, options, header)
            except (InferenceError, ServiceError):
                return False
            return True

        found = await choose_series(archive, retrieval.study_uid, retrieval.series_uid, fits=fits)
        await self._tell_query(retrieval)
        settings, disk = self._services.settings, self._services.admission.disk
        disk.check(0)
        try:
            async with archive.retrieving(retrieval.study_uid, found.series_uid) as (content_type, pieces):
                parts = parts_of(content_type, bounded(pieces, settings.max_upload_bytes))
                upload = await receive_parts(
                    parts, intake, max_files=settings.max_files, check_room=disk.check
                )
        except MalformedRequestError as error:
            # Most likely the connection broke.
            raise ArchiveAwayError(f"the DICOMweb server sends no whole series: {error}") from error
        try:
            await self._check(upload, found, retrieval.study_uid, intake)
        except BaseException:
            await intake.delete(f"inputs/{upload.upload_id}")
            raise
        # Nothing that the server calls its parts means anything.
        return replace(upload, names=tuple("" for _name in upload.names), fields={})

    async def _tell_query(self, retrieval: Retrieval) -> None:
        server = self._services.servers.named(retrieval.server, retrieval.owner)
        participants = [
            this_process(SOURCE, is_requestor=True),
            server.participant(DESTINATION),
            user(retrieval.owner),
        ]
        asked = query(f"{server.url}/studies/{retrieval.study_uid}/series")
        await self._services.trail.note("queried", participants, [asked])

    async def _check(self, upload: Upload, found: FoundSeries, study_uid: str, intake: Intake) -> None:
        """Raise an ArchiveError unless it is the series that was asked for, whole."""
        parts = len(upload.digests)
        if found.instances is not None and parts < found.instances:
            raise ArchiveAwayError(f"the DICOMweb server sends {parts} of {found.instances} instances")
        keys = {"": [input_key(upload.upload_id, part) for part in range(parts)]}
        limits = self._services.settings.limits
        instances = await self._services.sandbox.call(identify_instances, intake.root, keys, limits)
        if not all(
            one is not None and (one.study_uid, one.series_uid) == (study_uid, found.series_uid)
            for one in instances
        ):
            raise ArchiveRefusedError("the DICOMweb server sends instances of another series, or no images")

    async def _try_again(self, retrieval: Retrieval, error: ArchiveAwayError) -> None:
        tried = retrieval.tried(str(error))
        server = self._services.servers.named(retrieval.server, retrieval.owner)
        if tried.tries >= server.tries:
            await self._fail(tried, problem_of(error))
            return
        pause = min(pause_s(tried.tries), _LONGEST_PAUSE_S)
        logger.warning("retrieval %s: %s; again in %.0f s", retrieval.retrieval_id, error, pause)
        await self._services.retrievals.postpone(tried, pause)

    async def _fail(self, retrieval: Retrieval, problem: Problem) -> None:
        logger.warning("retrieval %s has failed: %s", retrieval.retrieval_id, problem.title)
        await self._services.retrievals.settle(retrieval.failed(problem))

    async def _keep(self, retrieval: Retrieval) -> None:
        while True:
            await asyncio.sleep(LEASE_S / 3)
            try:
                await self._services.retrievals.keep(retrieval)
            except RedisError as error:
                logger.warning("the queue does not answer: %s", type(error).__name__)
