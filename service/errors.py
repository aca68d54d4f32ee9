"""What can go wrong between a request and its result, beside what imaging and inference raise."""


class ServiceError(Exception):
    """Base of every error of this package; its text is one sentence for the sender, free of patient data."""


class MissingExtraError(ServiceError):
    """A command needs packages that an extra of this project brings."""


class MalformedRequestError(ServiceError):
    """The body or a header of the request breaks the rules of HTTP or of multipart messages."""


class UnknownFieldError(ServiceError):
    """A form field has a name or a value that means nothing here."""


class WrongContrastsError(ServiceError):
    """The files are not one, or one series, for each contrast that the model takes."""


class UploadTooLargeError(ServiceError):
    """The body is longer, or has more files, than the service accepts."""


class NoModelForImageError(ServiceError):
    """No model was named, and no installed one is for such an image."""


class UnauthorizedError(ServiceError):
    """The request has no valid key or token."""


class ForbiddenError(ServiceError):
    """The key or token has not the scope that is needed."""


class KeyNotFoundError(ServiceError):
    """There is no such API key."""


class OpenToAllError(ServiceError):
    """The service would listen where strangers are, and ask nobody who they are."""


class JobNotFoundError(ServiceError):
    """There is no such job, or not any more."""


class JobNotFinishedError(ServiceError):
    """The job has no result yet."""


class JobStateError(ServiceError):
    """The job's state does not allow what was asked."""


class GoneError(ServiceError):
    """The upload or the result was removed: it was cancelled, or kept long enough."""


class NotAcceptableError(ServiceError):
    """A result has none of the media types that the client accepts."""


class QueueFullError(ServiceError):
    """Too many jobs, or too many bytes, are waiting already."""


class LaterError(ServiceError):
    """Base of what is over at a known time."""

    def __init__(self, sentence: str, *, retry_after_s: int) -> None:
        super().__init__(sentence)
        self.retry_after_s = retry_after_s


class TooManyRequestsError(LaterError):
    """The client asks more often than it may."""


class DiskFullError(LaterError):
    """The disk of the store is nearly full."""


class StoreError(ServiceError):
    """Base of what goes wrong with the store, and with nobody's image."""


class StoreUnreachableError(StoreError):
    """The store of uploads and results does not answer, or refuses."""


class StoreFullError(StoreError):
    """A write failed for want of room."""


class NotReadyError(ServiceError):
    """A part that the service needs is missing: the queue, a live worker, or a model."""


class CallbackRefusedError(ServiceError):
    """A callback leads to where this service calls nobody."""


class CallbackFailedError(ServiceError):
    """A callback did not arrive."""


class ServersFileError(ServiceError):
    """The file of DICOMweb servers is missing, no TOML, or says something that means nothing."""


class UnknownServerError(ServiceError):
    """No DICOMweb server of that name is configured, or it is for others."""


class RetrievalNotFoundError(ServiceError):
    """There is no such retrieval, or not any more, or it is somebody else's."""


class ArchiveError(ServiceError):
    """Base of what a DICOMweb server does."""


class ArchiveAwayError(ArchiveError):
    """It does not answer, or not as it should; it may later."""


class ArchiveRefusedError(ArchiveError):
    """It says no, and would say so again."""


class SeriesNotFoundError(ArchiveError):
    """It has no such study or series."""


class SeriesUndecidedError(ArchiveError):
    """Not just one series of the study is an image that the model is for."""

    def __init__(self, sentence: str, *, series: list[dict[str, object]]) -> None:
        super().__init__(sentence)
        self.series = series


class EmbeddedServerError(ServiceError):
    """The embedded Redis-compatible server cannot be started."""


class SandboxError(ServiceError):
    """Base of what goes wrong in a sandboxed process."""


class SandboxTimeoutError(SandboxError):
    """The sandboxed process took too long and was ended."""


class SandboxCrashedError(SandboxError):
    """The sandboxed process died, most likely of the file that it was given."""


class DeadLetterError(ServiceError):
    """The job stopped its worker too often and is not tried again."""
