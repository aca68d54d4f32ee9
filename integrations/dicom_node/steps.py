"""The steps of a series: to the service, its results from there, and on to the destinations."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from integrations.dicom_node.errors import DestinationAwayError
from integrations.dicom_node.ledger import Ledger
from integrations.dicom_node.routing import rule_for
from integrations.dicom_node.sending import send
from integrations.dicom_node.series import Series, SeriesState
from integrations.dicom_node.settings import NodeSettings, Peer
from integrations.dicom_node.spool import Spool
from integrations.dicom_node.trail import NodeTrail
from service.client import (
    Client,
    ClientError,
    ConflictError,
    GoneError,
    JobFailedError,
    JobInfo,
    NoSuchFormError,
    NotFoundError,
    UnsuitableImageError,
)

log = logging.getLogger(__name__)

_LONGEST_PAUSE_S = 300.0
_POLL_S = 1.0
_LONGEST_POLL_S = 15.0


@dataclass(frozen=True)
class Steps:
    """Each may be done again, wherever it was interrupted: jobs and result objects are named by content."""

    settings: NodeSettings
    client: Client
    spool: Spool
    ledger: Ledger
    trail: NodeTrail
    now: Callable[[], float]

    def take(self, series: Series) -> None:
        """Do the next one; what only time can mend is tried again later."""
        steps = {
            SeriesState.RECEIVED: self._submit,
            SeriesState.SUBMITTED: self._fetch,
            SeriesState.FETCHED: self._send,
        }
        try:
            steps[series.state](series)
        except (UnsuitableImageError, JobFailedError) as error:
            self._go_on(series, SeriesState.FAILED, reason=str(error))
        except (ClientError, DestinationAwayError, OSError) as error:
            pause_s = min(self.settings.service.retry_s * 2 ** min(series.attempts, 20), _LONGEST_PAUSE_S)
            log.warning("series %s: %s; again in %.0f s", series.key, error, pause_s)
            self.ledger.postpone(series, until=self.now() + pause_s, reason=str(error))

    def _submit(self, series: Series) -> None:
        images = self.spool.images_of(series)
        rule = rule_for(series.facts, self.settings.rule)
        if rule is None or not images:
            why = "it holds no images of a scanner" if rule else "no rule is for it"
            self._go_on(series, SeriesState.UNMATCHED, reason=why)
            return
        job = self.client.submit(images, model=rule.model, scope=rule.scope, priority=rule.priority)
        self._go_on(series, SeriesState.SUBMITTED, job_id=job.job_id)

    def _fetch(self, series: Series) -> None:
        job_id = str(series.job_id)
        try:
            job = self.client.job(job_id)
            if not job.is_final:
                self.ledger.postpone(series, until=self.now() + _pause_of(job))
                return
            # Of a job that has none, this raises why.
            self.client.result(job_id)
            folder = self.spool.empty_results_of(series)
            for form in self.settings.service.forms:
                self._fetch_form(series, form, folder)
        except (GoneError, NotFoundError):
            # The service knows the job no longer, but the series is still here.
            self._go_on(series, SeriesState.RECEIVED, reason="the service has lost the job")
        except ConflictError as error:
            self._go_on(series, SeriesState.FAILED, reason=str(error))
        else:
            self._go_on(series, SeriesState.FETCHED)

    def _fetch_form(self, series: Series, form: str, folder: Path) -> None:
        """One that the source rules out, such as for want of a frame of reference, is left out."""
        job_id = str(series.job_id)
        try:
            self.client.fetch(job_id, form, folder / f"{form}.dcm")
        except (NoSuchFormError, NotFoundError, ConflictError, UnsuitableImageError) as error:
            self.client.job(job_id)  # it raises where it is the job that is not there
            log.info("series %s has no %s: %s", series.key, form, error)

    def _send(self, series: Series) -> None:
        objects = self.spool.results_of(series)
        refused = [
            answer
            for destination in self.settings.destination
            for answer in self._send_to(destination, objects)
        ]
        self._go_on(series, SeriesState.FAILED if refused else SeriesState.SENT, reason="; ".join(refused))

    def _send_to(self, destination: Peer, objects: Sequence[Path]) -> list[str]:
        sending, own = self.trail.sending(objects, destination), self.settings.listen.ae_title
        try:
            refused = send(objects, destination, ae_title=own, on_begin=sending.begin)
        except DestinationAwayError as error:
            sending.end(8, str(error))
            raise
        sending.end(4 if refused else 0, "; ".join(refused))
        return refused

    def _go_on(
        self, series: Series, state: SeriesState, *, job_id: str | None = None, reason: str = ""
    ) -> None:
        if self.ledger.advance(series, state, now=self.now(), job_id=job_id, reason=reason):
            log.info("series %s is %s%s", series.key, state, f": {reason}" if reason else "")


def _pause_of(job: JobInfo) -> float:
    return min(max(_POLL_S, (job.seconds_left or 0) / 2), _LONGEST_POLL_S)
