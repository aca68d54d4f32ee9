"""The steps of a workitem: claimed, scored by reference, its results stored, ended.

Each may be done again, wherever it was interrupted: the claim's file says what was done, and the service
knows the same series as the same retrieval and the same job.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from integrations.ups_worker.claims import Claim, Claims
from integrations.ups_worker.dataset_json import (
    STATE,
    canceled_update,
    completed_update,
    input_series,
    output_item,
    progress_update,
    value_of,
)
from integrations.ups_worker.errors import WorkitemRefusedError
from integrations.ups_worker.settings import WorkerSettings
from integrations.ups_worker.uids import is_uid
from integrations.ups_worker.worklist import Worklist
from service.client import (
    Client,
    JobInfo,
    NotFoundError,
    Problem,
    ProblemError,
    RetrievalInfo,
    SeriesReference,
)

log = logging.getLogger(__name__)

# How much of the work a series is when it has been fetched.
_FETCHED = 10
_SCORED = 90


@dataclass(frozen=True)
class Steps:
    settings: WorkerSettings
    worklist: Worklist
    client: Client
    claims: Claims
    make_uid: Callable[[], str]
    now: Callable[[], datetime]

    def claim_some(self, count: int) -> None:
        """Claim at most so many of the workitems that are ready and that can be done.

        Raises:
            WorklistAwayError: The worklist does not answer.
        """
        if count <= 0:
            return
        known = {claim.workitem_uid for claim in self.claims}
        for workitem_uid in self.worklist.ready():
            claim = None if workitem_uid in known else self._claim_of(workitem_uid)
            if claim is not None:
                self.claims.keep(claim)
                self.take(claim)
                count -= 1
            if count <= 0:
                return

    def take(self, claim: Claim) -> None:
        """Do the next step of a claimed workitem.

        Raises:
            WorklistAwayError, ClientError: Not now; it may be done later.
        """
        try:
            if claim.state == "claiming":
                self._claim(claim)
            elif claim.state == "claimed":
                self._go_on(claim)
            else:
                self._end(claim)
        except WorkitemRefusedError as error:
            log.warning("workitem %s is given up: %s", claim.workitem_uid, error)
            self.claims.forget(claim)

    def _claim_of(self, workitem_uid: str) -> Claim | None:
        """What is to be claimed; None for a workitem that we could not do."""
        # A search may leave the inputs out; the workitem itself has them.
        try:
            workitem = self.worklist.workitem(workitem_uid)
        except WorkitemRefusedError:
            return None
        if not self.worklist.is_ours(workitem):
            return None
        series = input_series(workitem)
        if len(series) != 1 or not all(is_uid(uid) for pair in series for uid in pair):
            log.debug("workitem %s is left to others: its input is not one series", workitem_uid)
            return None
        [(study_uid, series_uid)] = series
        return Claim(workitem_uid, self.make_uid(), study_uid, series_uid, self._time())

    def _claim(self, claim: Claim) -> None:
        try:
            self.worklist.change_state(claim.workitem_uid, "IN PROGRESS", claim.transaction_uid)
        except WorkitemRefusedError:
            # A claim whose answer was lost is ours: only its owner may tell of its progress.
            self.worklist.update(claim.workitem_uid, progress_update(0, "claimed"), claim.transaction_uid)
        log.info("workitem %s is claimed", claim.workitem_uid)
        self.claims.keep(claim.changed(state="claimed"))

    def _go_on(self, claim: Claim) -> None:
        try:
            claim, retrieval = self._retrieval_of(claim)
        except ProblemError as error:
            # What its operator can mend, or time, is no reason to end a workitem.
            if error.problem.status in (401, 403, 429) or error.problem.status >= 500:
                raise
            self._begin_end(claim, "CANCELED", canceled_update(_words(error.problem)))
            return
        if retrieval.error is not None:
            self._begin_end(claim, "CANCELED", canceled_update(_words(retrieval.error)))
        elif retrieval.job_id is not None:
            self._follow(claim, self.client.job(retrieval.job_id))

    def _retrieval_of(self, claim: Claim) -> tuple[Claim, RetrievalInfo]:
        service = self.settings.service
        if claim.retrieval_id is not None:
            try:
                return claim, self.client.retrieval(claim.retrieval_id)
            except NotFoundError:
                log.info("the service has forgotten workitem %s; asking again", claim.workitem_uid)
        retrieval = self.client.refer(
            SeriesReference(service.dicomweb_server, claim.study_uid, claim.series_uid),
            model=service.model,
            scope=service.scope,
            results=service.results,
        )
        referred = claim.changed(retrieval_id=retrieval.retrieval_id)
        self.claims.keep(referred)
        return referred, retrieval

    def _follow(self, claim: Claim, job: JobInfo) -> None:
        if job.is_final and job.state != "done":
            reason = _words(job.error) if job.error else f"the job is {job.state}"
            self._begin_end(claim, "CANCELED", canceled_update(reason))
            return
        waiting = [delivery for delivery in job.deliveries if delivery["state"] == "waiting"]
        if job.state != "done" or waiting:
            self._tell(claim, job)
            return
        if not job.deliveries or any(delivery["state"] == "failed" for delivery in job.deliveries):
            self._begin_end(claim, "CANCELED", canceled_update("the results could not be stored"))
            return
        outputs = [
            output_item(claim.study_uid, stored, self.settings.service.retrieve_url)
            for delivery in job.deliveries
            for stored in delivery["objects"]
        ]
        worklist = self.settings.worklist
        times = (claim.started_at, self._time())
        update = completed_update(worklist.station, worklist.workitem_code, times, outputs)
        self._begin_end(claim, "COMPLETED", update)

    def _tell(self, claim: Claim, job: JobInfo) -> None:
        """Tell the progress where it has grown."""
        percent = _FETCHED + round(job.progress * (_SCORED - _FETCHED))
        if percent > claim.progress:
            text = "storing results" if job.state == "done" else "scoring"
            self.worklist.update(claim.workitem_uid, progress_update(percent, text), claim.transaction_uid)
            self.claims.keep(claim.changed(progress=percent))

    def _begin_end(
        self, claim: Claim, final: Literal["COMPLETED", "CANCELED"], update: dict[str, object]
    ) -> None:
        ending = claim.changed(state="ending", final=final, update=update)
        self.claims.keep(ending)
        self._end(ending)

    def _end(self, claim: Claim) -> None:
        final = str(claim.final)
        # After the state has changed nothing can be updated any more (C300).
        if value_of(self.worklist.workitem(claim.workitem_uid), STATE) == "IN PROGRESS":
            self.worklist.update(claim.workitem_uid, claim.update or {}, claim.transaction_uid)
            self.worklist.change_state(claim.workitem_uid, final, claim.transaction_uid)
        log.info("workitem %s is %s", claim.workitem_uid, final)
        self.claims.forget(claim)

    def _time(self) -> str:
        return self.now().strftime("%Y%m%d%H%M%S.%f%z")


def _words(problem: Problem) -> str:
    """What is told of a failure: no sentence that may quote a header."""
    return f"{problem.title} ({problem.status})"
