"""The Python client of a running service; it brings nothing of the server's side along.

`Client` blocks, `AsyncClient` is for asyncio; both have the same verbs and raise `ClientError` or one of its
kinds. Certificates are held against those in SSL_CERT_FILE, or else httpx's own; proxies are those of the
environment.
"""

from pathlib import Path
from typing import Any, Self

from service.remote.errors import (
    BusyError,
    ClientError,
    ConflictError,
    GoneError,
    JobFailedError,
    NoSuchFormError,
    NotFoundError,
    Problem,
    ProblemError,
    UnauthorizedError,
    UnexpectedAnswerError,
    UnreachableError,
    UnsuitableImageError,
    WaitTimeoutError,
)
from service.remote.job import JobInfo
from service.remote.reference import RetrievalInfo, SeriesReference
from service.remote.transport import AsyncTransport, Transport
from service.remote.upload_body import Files, PathLike, UploadBody
from service.remote.verbs import FORMS, Verbs

__all__ = [
    "FORMS",
    "AsyncClient",
    "BusyError",
    "Client",
    "ClientError",
    "ConflictError",
    "Files",
    "GoneError",
    "JobFailedError",
    "JobInfo",
    "NoSuchFormError",
    "NotFoundError",
    "Problem",
    "ProblemError",
    "RetrievalInfo",
    "SeriesReference",
    "UnauthorizedError",
    "UnexpectedAnswerError",
    "UnreachableError",
    "UnsuitableImageError",
    "WaitTimeoutError",
]

_TIMEOUT_S = 60.0
_PATIENCE_S = 120.0


class Client:
    """For scripts and threads; close it, or use it in a `with`."""

    def __init__(
        self,
        address: str,
        key: str | None = None,
        *,
        timeout_s: float = _TIMEOUT_S,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        """A client of one service.

        Args:
            address: Such as `https://atypia.example` or `http://127.0.0.1:8000`.
            key: An API key or a token; none for a service that asks for none.
            timeout_s: Longest silence of the service in one request.
            patience_s: How long in all a request is tried again where the service says "later" (429, 503).

        Raises:
            ValueError: The address is none.
        """
        self._transport = Transport(address, key, timeout_s=timeout_s)
        self._verbs = Verbs(patience_s=patience_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_reason: object) -> None:
        self.close()

    def close(self) -> None:
        self._transport.close()

    def submit(
        self,
        files: Files,
        *,
        model: str | None = None,
        scope: str | None = None,
        priority: str | None = None,
        callback: str | None = None,
        results: str | None = None,
    ) -> JobInfo:
        """Send one image: a file, a folder or files of one series, or a mapping from contrast to these.

        `results` is a DICOMweb server that the service stores the results at.

        Raises:
            FileNotFoundError: There is nothing to send.
            UnsuitableImageError: It cannot be scored.
        """
        options = {"model": model, "scope": scope, "priority": priority, "callback": callback}
        return self._transport.run(self._verbs.submit(UploadBody(files), {**options, "results": results}))

    def refer(
        self,
        series: SeriesReference,
        *,
        model: str | None = None,
        scope: str | None = None,
        results: str | None = None,
    ) -> RetrievalInfo:
        """Name a series instead of sending it; `results` is the server that the results are stored at.

        Raises:
            UnsuitableImageError: The service knows no such server, or an option means nothing.
        """
        options = {"model": model, "scope": scope, "results": results}
        return self._transport.run(self._verbs.refer(series, options))

    def retrieval(self, retrieval_id: str) -> RetrievalInfo:
        """How far the fetching of a series is, and which job it has become."""
        return self._transport.run(self._verbs.retrieval(retrieval_id))

    def job(self, job_id: str) -> JobInfo:
        """How far it is."""
        return self._transport.run(self._verbs.job(job_id))

    def wait(self, job_id: str, timeout_s: float) -> JobInfo:
        """The job when it is over, whether done, failed, cancelled or expired.

        Raises:
            WaitTimeoutError: It is not over in time; this may be noticed a heartbeat (15 s) late.
        """
        return self._transport.run(self._verbs.wait(job_id, timeout_s))

    def result(self, job_id: str) -> dict[str, Any]:
        """Score, decisions, findings and the rest of `result.json`.

        Raises:
            JobFailedError: It has none.
            ConflictError: It has none yet, or was cancelled.
        """
        return self._transport.run(self._verbs.result(job_id))

    def fetch(self, job_id: str, form: str, path: PathLike) -> Path:
        """Write the result in one of `FORMS` to a file, which is replaced when all of it has come."""
        return self._transport.run(self._verbs.fetch(job_id, form, Path(path)))

    def cancel(self, job_id: str) -> JobInfo:
        """Cancel a job that is not over; one that is stays as it is."""
        return self._transport.run(self._verbs.cancel(job_id))

    def retry(self, job_id: str) -> JobInfo:
        """Run a failed or cancelled job again."""
        return self._transport.run(self._verbs.retry(job_id))

    def remove(self, job_id: str) -> None:
        """Remove a job with its upload and result, cancelling it first if need be."""
        self._transport.run(self._verbs.remove(job_id))

    def models(self) -> list[dict[str, Any]]:
        """The installed models, as `GET /models` tells of them."""
        return self._transport.run(self._verbs.models())

    def ready(self) -> bool:
        """Whether images can be scored now.

        Raises:
            UnreachableError: There is nobody to say so.
        """
        return self._transport.run(self._verbs.ready())


class AsyncClient:
    """`Client` for an event loop; each verb means the same."""

    def __init__(
        self,
        address: str,
        key: str | None = None,
        *,
        timeout_s: float = _TIMEOUT_S,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        self._transport = AsyncTransport(address, key, timeout_s=timeout_s)
        self._verbs = Verbs(patience_s=patience_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_reason: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._transport.close()

    async def submit(
        self,
        files: Files,
        *,
        model: str | None = None,
        scope: str | None = None,
        priority: str | None = None,
        callback: str | None = None,
        results: str | None = None,
    ) -> JobInfo:
        options = {"model": model, "scope": scope, "priority": priority, "callback": callback}
        return await self._transport.run(
            self._verbs.submit(UploadBody(files), {**options, "results": results})
        )

    async def refer(
        self,
        series: SeriesReference,
        *,
        model: str | None = None,
        scope: str | None = None,
        results: str | None = None,
    ) -> RetrievalInfo:
        options = {"model": model, "scope": scope, "results": results}
        return await self._transport.run(self._verbs.refer(series, options))

    async def retrieval(self, retrieval_id: str) -> RetrievalInfo:
        return await self._transport.run(self._verbs.retrieval(retrieval_id))

    async def job(self, job_id: str) -> JobInfo:
        return await self._transport.run(self._verbs.job(job_id))

    async def wait(self, job_id: str, timeout_s: float) -> JobInfo:
        return await self._transport.run(self._verbs.wait(job_id, timeout_s))

    async def result(self, job_id: str) -> dict[str, Any]:
        return await self._transport.run(self._verbs.result(job_id))

    async def fetch(self, job_id: str, form: str, path: PathLike) -> Path:
        return await self._transport.run(self._verbs.fetch(job_id, form, Path(path)))

    async def cancel(self, job_id: str) -> JobInfo:
        return await self._transport.run(self._verbs.cancel(job_id))

    async def retry(self, job_id: str) -> JobInfo:
        return await self._transport.run(self._verbs.retry(job_id))

    async def remove(self, job_id: str) -> None:
        await self._transport.run(self._verbs.remove(job_id))

    async def models(self) -> list[dict[str, Any]]:
        return await self._transport.run(self._verbs.models())

    async def ready(self) -> bool:
        return await self._transport.run(self._verbs.ready())
