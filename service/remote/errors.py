"""What can go wrong between a client and the service: one tree, and problem JSON in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self


@dataclass(frozen=True)
class Problem:
    """An error as the service tells it (RFC 9457); `members` are what it adds to the four usual ones.

    The status is 0 of what no answer told, such as a file that could not be read.
    """

    type: str
    title: str
    status: int
    detail: str
    members: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, content: object, status: int) -> Self:
        """From an answer's JSON; where that is no problem, such as a proxy's page, the status alone."""
        members = dict(content) if isinstance(content, Mapping) else {}
        phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "Unknown status"
        return cls(
            type=str(members.pop("type", "about:blank")),
            title=str(members.pop("title", phrase)),
            status=int(members.pop("status", status)),
            detail=str(members.pop("detail", f"the answer was {status} {phrase}, without a reason")),
            members=members,
        )

    def to_json(self) -> dict[str, Any]:
        named = {"type": self.type, "title": self.title, "status": self.status, "detail": self.detail}
        return {**named, **self.members}


class ClientError(Exception):
    """Base of every error that a client raises of the service's or the network's doing."""


class UnreachableError(ClientError):
    """Nothing answers at the address, or the connection broke once too often."""


class UnexpectedAnswerError(ClientError):
    """Something answered, but it is no such service."""


class WaitTimeoutError(ClientError):
    """The job was not over in time; it goes on."""


class ProblemError(ClientError):
    """The service refused; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


class UnauthorizedError(ProblemError):
    """The key is missing, wrong, or not for this."""


class NotFoundError(ProblemError):
    """There is no such job or model, or the job is somebody else's."""


class NoSuchFormError(ProblemError):
    """The result has no such form, now or later: as DICOM, that of an image which was none."""


class ConflictError(ProblemError):
    """The job's state does not allow it, such as to have a result."""


class GoneError(ProblemError):
    """The upload or the result is kept no longer."""


class UnsuitableImageError(ProblemError):
    """The image cannot be scored, now or later: damaged, too large, of an unknown type, out of scope."""


class BusyError(ProblemError):
    """The service could take nothing in for longer than the client's patience."""


class JobFailedError(ProblemError):
    """The job ended without a result; the problem is the job's own."""


_BY_STATUS: dict[int, type[ProblemError]] = {
    400: UnsuitableImageError,
    401: UnauthorizedError,
    403: UnauthorizedError,
    404: NotFoundError,
    406: NoSuchFormError,
    409: ConflictError,
    410: GoneError,
    413: UnsuitableImageError,
    415: UnsuitableImageError,
    422: UnsuitableImageError,
    429: BusyError,
    503: BusyError,
}


def error_of(problem: Problem) -> ProblemError:
    """The error of an answer that is none of success."""
    if "job_id" in problem.members:
        return JobFailedError(problem)
    return _BY_STATUS.get(problem.status, ProblemError)(problem)
