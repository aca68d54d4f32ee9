"""How much work waits, and how long it will take: the queue ahead, over the pace of the live workers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from service.jobs import Job
from service.pace import Pace, paces_by_model, sum_of
from service.queue import Waiting
from service.worker_registry import WorkerStatus

# Until a fifth of a job is done, its own speed says little: decoding and preparing are no measure of scoring.
_TELLING_PROGRESS = 0.2
_TENTH = 0.1
LONGEST_RETRY_S = 300
UNKNOWN_RETRY_S = 5


@dataclass(frozen=True)
class Outlook:
    """One moment's forecast.

    `before_s` holds for each waiting job the seconds until a worker takes it; `total_s` is the time in which
    all work is done, None where no worker is alive or none has finished a job yet.
    """

    before_s: dict[str, float]
    total_s: float | None
    paces: dict[str, Pace]

    @classmethod
    def of(cls, waiting: Sequence[Waiting], workers: Sequence[WorkerStatus]) -> Self:
        """Jobs are taken in the order given; one in hand counts as half done."""
        paces = paces_by_model(worker.pace for worker in workers)
        slots = sum(worker.slots for worker in workers)
        before_s: dict[str, float] = {}
        total_s = 0.0
        for job in waiting:
            needed_s = _predict_s(paces, job.model, job.size_bytes)
            if needed_s is None or slots == 0:
                return cls({}, None if waiting else 0.0, paces)
            if not job.is_in_hand:
                before_s[job.job_id] = total_s
            total_s += needed_s / slots * (0.5 if job.is_in_hand else 1.0)
        return cls(before_s, total_s, paces)

    def seconds_left(self, job: Job, now: datetime) -> float | None:
        """Seconds until the job is done; None when it is over, or when nobody can know yet."""
        needed_s = _predict_s(self.paces, job.request.model, job.request.size_bytes)
        if job.state == "queued" and needed_s is not None and self.total_s is not None:
            # A job that came after the queue was looked at waits at its end.
            return round(self.before_s.get(job.job_id, self.total_s) + needed_s, 1)
        if job.state == "running":
            return _rest_s(job, needed_s, now)
        return None

    def retry_after_s(self) -> int:
        """Seconds in which a tenth of the queue is worked off."""
        if not self.total_s:
            return UNKNOWN_RETRY_S
        return min(max(math.ceil(_TENTH * self.total_s), 1), LONGEST_RETRY_S)


def _predict_s(paces: dict[str, Pace], model: str, size_bytes: int) -> float | None:
    """A model that has scored nothing yet is taken to be as fast as the others."""
    pace = paces.get(model) or sum_of(paces.values())
    return pace.predict_s(size_bytes)


def _rest_s(job: Job, needed_s: float | None, now: datetime) -> float | None:
    """From what such jobs need and from the job's own speed, which counts the more the further it is."""
    done = job.progress
    by_pace_s = None if needed_s is None else needed_s * (1 - done)
    if done < _TELLING_PROGRESS or job.started_at is None:
        return None if by_pace_s is None else round(by_pace_s, 1)
    by_itself_s = max((now - job.started_at).total_seconds(), 0.0) * (1 - done) / done
    return round(by_itself_s if by_pace_s is None else done * by_itself_s + (1 - done) * by_pace_s, 1)
