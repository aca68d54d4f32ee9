"""Every error as problem JSON: the one table from exception to HTTP status (RFC 9457)."""

import re
from typing import Any

from pydantic import BaseModel, ConfigDict
from redis.exceptions import RedisError

from imaging.errors import (
    ImageTooLargeError,
    ImagingError,
    InconsistentSeriesError,
    MismatchedGridsError,
    NoDicomSourceError,
    NoFrameOfReferenceError,
    UnreadableImageError,
    UnsupportedImageError,
)
from inference.errors import BundleError, BundleNotFoundError, OutOfScopeError
from service import errors

MEDIA_TYPE = "application/problem+json"

HTTP_STATUS: dict[type[Exception], int] = {
    UnreadableImageError: 400,
    InconsistentSeriesError: 400,
    ImagingError: 400,
    errors.MalformedRequestError: 400,
    errors.SandboxCrashedError: 400,
    errors.UnauthorizedError: 401,
    errors.ForbiddenError: 403,
    BundleNotFoundError: 404,
    errors.KeyNotFoundError: 404,
    errors.JobNotFoundError: 404,
    errors.RetrievalNotFoundError: 404,
    errors.SeriesNotFoundError: 404,
    errors.NotAcceptableError: 406,
    NoDicomSourceError: 406,
    NoFrameOfReferenceError: 406,
    errors.JobNotFinishedError: 409,
    errors.JobStateError: 409,
    errors.GoneError: 410,
    ImageTooLargeError: 413,
    errors.UploadTooLargeError: 413,
    errors.SandboxTimeoutError: 413,
    UnsupportedImageError: 415,
    OutOfScopeError: 422,
    errors.NoModelForImageError: 422,
    MismatchedGridsError: 422,
    errors.UnknownFieldError: 422,
    errors.CallbackRefusedError: 422,
    errors.WrongContrastsError: 422,
    errors.UnknownServerError: 422,
    errors.SeriesUndecidedError: 422,
    errors.QueueFullError: 429,
    errors.TooManyRequestsError: 429,
    errors.DeadLetterError: 500,
    errors.ArchiveAwayError: 502,
    errors.ArchiveRefusedError: 502,
    BundleError: 503,
    errors.NotReadyError: 503,
    errors.DiskFullError: 503,
    errors.StoreUnreachableError: 503,
    errors.StoreFullError: 503,
    RedisError: 503,
}

# Texts of these are written for an operator, or quote a connection string.
_PLAIN_DETAIL: dict[type[Exception], str] = {
    RedisError: "the queue does not answer; try again in a moment",
    BundleError: "the model cannot be used on this worker; its operator finds the reason in the log",
}
_UNEXPECTED = "something went wrong on our side; it is logged, and the same request may work later"


class Problem(BaseModel):
    """One error, as its sender sees it; further members carry what a program may need."""

    model_config = ConfigDict(frozen=True, extra="allow")

    type: str
    title: str
    status: int
    detail: str


def problem_of(error: Exception, **members: Any) -> Problem:
    """The problem that stands for an error; one that is in no table tells nothing of itself."""
    for kind in type(error).__mro__:
        if kind in HTTP_STATUS:
            return named_problem(
                kind.__name__, HTTP_STATUS[kind], _PLAIN_DETAIL.get(kind) or str(error), **members
            )
    return named_problem("UnexpectedError", 500, _UNEXPECTED, **members)


def named_problem(name: str, status: int, detail: str, **members: Any) -> Problem:
    """A problem named as an error class is: `QueueFullError` gives `urn:atypia:problem:queue-full`."""
    words = re.findall(r"[A-Z][a-z]*", name.removesuffix("Error"))
    slug = "-".join(words).lower()
    return Problem(
        type=f"urn:atypia:problem:{slug}",
        title=" ".join(words).capitalize(),
        status=status,
        detail=detail,
        **members,
    )
