"""Stores results at the DICOMweb servers that they are owed to, again and again until they are there."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from redis.exceptions import RedisError

from imaging.dicom_audit.codes import DESTINATION, SOURCE
from imaging.dicom_audit.objects import subject_objects
from imaging.dicom_objects.identity import uid_of
from imaging.errors import ImagingError, NoDicomSourceError, NoFrameOfReferenceError
from service.agenda import LEASE_S
from service.api.callback_sender import pause_s
from service.api.derived import open_form
from service.api.forms import DICOM
from service.api.services import Services
from service.audit_trail import this_process, user
from service.dicom_forms import Kind
from service.dicomweb.archive import Archive, open_archive
from service.dicomweb.owed_results import OwedResult
from service.errors import ArchiveAwayError, ArchiveError, ArchiveRefusedError, JobNotFoundError, ServiceError
from service.failure_log import log_failure
from service.jobs import Job, ResultDelivery, StoredObject
from service.task_end import end_tasks

logger = logging.getLogger(__name__)

_LOOK_S = 0.5
_AT_ONCE = 2
_LOOK_AT = 100
_LONGEST_PAUSE_S = 300.0
_LONGEST_LOOK_S = 15.0
# A failed job may be sent again; until its record is gone its results are still owed.
_FAILED_LOOK_S = 60.0


@dataclass(frozen=True)
class _Object:
    """What its UIDs are made of, as `imaging.dicom_objects` names them, and its class."""

    name: str
    sop_class_uid: str


OBJECTS: Mapping[Kind, _Object] = {
    "sc": _Object("picture", "1.2.840.10008.5.1.4.1.1.7"),
    "sr": _Object("report", "1.2.840.10008.5.1.4.1.1.88.34"),
    "seg": _Object("segmentation", "1.2.840.10008.5.1.4.1.1.66.4"),
    "pm": _Object("map", "1.2.840.10008.5.1.4.1.1.30"),
}


def stored_object(job_id: str, kind: Kind) -> StoredObject:
    """How an object of a job's result is called."""
    named = OBJECTS[kind]
    return StoredObject(
        form=kind,
        sop_class_uid=named.sop_class_uid,
        sop_instance_uid=str(uid_of(job_id, named.name, "instance")),
        series_uid=str(uid_of(job_id, named.name, "series")),
    )


class ResultSender:
    """Every API process has one; a lease keeps them from sending the same result at once."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._in_hand: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Send for ever."""
        try:
            while True:
                await self._take_some()
                await asyncio.sleep(_LOOK_S)
        finally:
            await end_tasks(*self._in_hand)

    async def _take_some(self) -> None:
        try:
            for owed in await self._services.owed_results.take(_LOOK_AT):
                job = await self._due(owed)
                if job is not None:
                    task = asyncio.create_task(self._send(owed, job))
                    self._in_hand.add(task)
                    task.add_done_callback(self._in_hand.discard)
        except RedisError as error:
            logger.warning("storing results failed: %s", type(error).__name__)

    async def _due(self, owed: OwedResult) -> Job | None:
        """The job whose result is to be sent now; what cannot be sent yet is looked at again later."""
        agenda = self._services.owed_results
        try:
            job = await self._services.queue.get(owed.job_id)
        except JobNotFoundError:
            await agenda.settle(owed, "dropped")
            return None
        if job.state == "done" and len(self._in_hand) < _AT_ONCE:
            return job
        seen = replace(owed, looks=owed.looks + 1)
        pause = _FAILED_LOOK_S if job.is_final else min(1 + owed.looks / 4, _LONGEST_LOOK_S)
        await agenda.postpone(seen, 1 if job.state == "done" else pause)
        return None

    async def _send(self, owed: OwedResult, job: Job) -> None:
        keeping = asyncio.create_task(self._keep(owed))
        try:
            await self._note_outcome(owed, job)
        except RedisError as error:
            logger.warning("the result of job %s is left: %s", owed.job_id, type(error).__name__)
        finally:
            await end_tasks(keeping)

    async def _note_outcome(self, owed: OwedResult, job: Job) -> None:
        sending = _Sending(owed, list(owed.stored), job)
        try:
            await self._store_all(sending, job)
        except ArchiveAwayError as error:
            await self._try_again(sending, str(error))
        except FileNotFoundError:
            await self._settle(sending, "failed", "the result is kept no longer")
        except (ArchiveError, ImagingError, ServiceError) as error:
            await self._settle(sending, "failed", str(error))
        except RedisError:
            raise
        except Exception as error:
            # The edge of a delivery: the next ones must not suffer.
            log_failure(error, where=f"storing the result of job {owed.job_id}")
            await self._try_again(sending, "something went wrong on our side; it is logged")
        else:
            await self._settle(sending, "stored", None)

    async def _store_all(self, sending: "_Sending", job: Job) -> None:
        """Store what is not there yet.

        Raises:
            ArchiveError: The server takes it not, or not now.
        """
        owed = sending.owed
        server = self._services.servers.named(owed.server, owed.owner)
        refused = []
        async with open_archive(server) as archive:
            for kind in server.forms:
                if kind in sending.stored:
                    continue
                reason = await self._store(archive, kind, job, sending)
                refused += [f"{kind}: {reason}"] if reason else []
        if not refused and not sending.stored:
            raise NoDicomSourceError("the image allows no result as DICOM, so that there is nothing to store")
        if refused:
            raise ArchiveRefusedError(f"the DICOMweb server refuses {'; '.join(refused)}")

    async def _store(self, archive: Archive, kind: Kind, job: Job, sending: "_Sending") -> str | None:
        """Store one object, and say why it was refused for good; none that the image does not allow."""
        try:
            size, pieces = await open_form(job, DICOM[kind], self._services)
        except (NoDicomSourceError, NoFrameOfReferenceError):
            return None
        answer = await archive.store(pieces, size)
        if answer.outcome == "later":
            raise ArchiveAwayError(f"the DICOMweb server did not take {kind}: {answer.words}")
        if answer.outcome == "refused":
            return answer.words
        sending.stored.append(kind)
        return None

    async def _try_again(self, sending: "_Sending", reason: str) -> None:
        owed = replace(sending.owed, tries=sending.owed.tries + 1, stored=tuple(sending.stored))
        again = replace(sending, owed=owed)
        most = self._services.servers.named(owed.server, owed.owner).tries
        if owed.tries >= most:
            await self._settle(again, "failed", reason)
            return
        pause = min(pause_s(owed.tries), _LONGEST_PAUSE_S)
        logger.warning("the result of job %s: %s; again in %.0f s", owed.job_id, reason, pause)
        await self._services.queue.note_delivery(owed.job_id, again.told("waiting", reason))
        await self._services.owed_results.postpone(owed, pause)

    async def _settle(
        self, sending: "_Sending", state: Literal["stored", "failed"], reason: str | None
    ) -> None:
        owed = sending.owed
        logger.info("the result of job %s is %s at %s", owed.job_id, state, owed.server)
        await self._services.queue.note_delivery(owed.job_id, sending.told(state, reason))
        await self._services.owed_results.settle(owed, state)
        await self._tell(sending, state, reason)

    async def _tell(
        self, sending: "_Sending", state: Literal["stored", "failed"], reason: str | None
    ) -> None:
        """Which objects are there now, in the study of the job's images."""
        owed, subject = sending.owed, sending.job.request.subject
        if subject is None:
            return
        server = self._services.servers.named(owed.server, owed.owner)
        participants = [
            this_process(SOURCE, is_requestor=True),
            server.participant(DESTINATION),
            user(owed.owner),
        ]
        there = replace(subject, instances={OBJECTS[kind].sop_class_uid: 1 for kind in sending.stored})
        await self._services.trail.note(
            "sent",
            participants,
            subject_objects(there, name=f"job {owed.job_id}"),
            outcome=0 if state == "stored" else 4,
            description=reason or "",
        )

    async def _keep(self, owed: OwedResult) -> None:
        while True:
            await asyncio.sleep(LEASE_S / 3)
            try:
                await self._services.owed_results.keep(owed)
            except RedisError as error:
                logger.warning("the queue does not answer: %s", type(error).__name__)


@dataclass(frozen=True)
class _Sending:
    """A delivery on its way: `stored` grows as objects arrive."""

    owed: OwedResult
    stored: list[Kind]
    job: Job

    def told(self, state: Literal["waiting", "stored", "failed"], reason: str | None) -> ResultDelivery:
        return ResultDelivery(
            server=self.owed.server,
            state=state,
            tries=self.owed.tries,
            reason=reason,
            objects=tuple(stored_object(self.owed.job_id, kind) for kind in self.stored),
        )
