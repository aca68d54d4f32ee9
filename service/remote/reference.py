"""A series named instead of sent, and the retrieval that it is until it is a job."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from service.remote.errors import Problem


@dataclass(frozen=True)
class SeriesReference:
    """A series on a server that the service knows by that name; without its UID the study's only image."""

    dicomweb_server: str
    study_uid: str
    series_uid: str | None = None


class ReferenceBody:
    """The JSON body of a reference; what is None is left out."""

    def __init__(self, fields: Mapping[str, str | None]) -> None:
        named = {name: value for name, value in fields.items() if value is not None}
        self._content = json.dumps(named).encode()
        self.headers = {"Content-Type": "application/json", "Content-Length": str(len(self._content))}

    def __iter__(self) -> Iterator[bytes]:
        yield self._content

    async def read(self) -> AsyncIterator[bytes]:
        yield self._content


@dataclass(frozen=True)
class RetrievalInfo:
    """`state` is waiting, submitted (there is a job) or failed (there is an error)."""

    retrieval_id: str
    state: str
    tries: int
    reason: str | None
    job_id: str | None
    error: Problem | None

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Self:
        """From the service's JSON; what a newer service adds is passed over."""
        error = fields["error"]
        return cls(
            retrieval_id=fields["retrieval_id"],
            state=fields["state"],
            tries=fields["tries"],
            reason=fields["reason"],
            job_id=fields["job_id"],
            error=Problem.of(error, error["status"]) if error else None,
        )
