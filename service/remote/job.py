"""A job as the service told it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from service.remote.errors import Problem

_FINAL = frozenset(("done", "failed", "cancelled", "expired"))


@dataclass(frozen=True)
class JobInfo:
    """`progress` is from 0 to 1; `seconds_left` is null when the job is over, or when nobody can know yet."""

    job_id: str
    state: str
    progress: float
    seconds_left: float | None
    created_at: datetime
    finished_at: datetime | None
    model: str
    priority: str
    error: Problem | None
    links: Mapping[str, str]
    deliveries: Sequence[Mapping[str, Any]] = ()  # how far results are on their way to DICOMweb servers

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Self:
        """From the service's JSON; what a newer service adds is passed over."""
        error, finished = fields["error"], fields["finished_at"]
        return cls(
            job_id=fields["job_id"],
            state=fields["state"],
            progress=fields["progress"],
            seconds_left=fields["seconds_left"],
            created_at=datetime.fromisoformat(fields["created_at"]),
            finished_at=datetime.fromisoformat(finished) if finished else None,
            model=fields["model"],
            priority=fields["priority"],
            error=Problem.of(error, error["status"]) if error else None,
            links=fields["links"],
            deliveries=fields.get("deliveries", ()),
        )

    @property
    def is_final(self) -> bool:
        return self.state in _FINAL

    @property
    def problem(self) -> Problem | None:
        """Why it is over without a result; none of a job that is done, or not over yet."""
        if self.error is not None or self.is_done or not self.is_final:
            return self.error
        kind = f"urn:atypia:problem:job-{self.state}"
        return Problem(kind, f"Job {self.state}", 0, f"the job was {self.state} before it had a result")

    @property
    def is_done(self) -> bool:
        """Whether it has a result."""
        return self.state == "done"
