"""Series that were asked for by reference: each kept in Redis until its job is known, or it is given up."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, Self

from pydantic import BaseModel
from redis.asyncio import Redis

from service.agenda import Agenda
from service.connection import send
from service.errors import QueueFullError, RetrievalNotFoundError
from service.keys import Keys
from service.problems import Problem

RetrievalState = Literal["waiting", "submitted", "failed"]


@dataclass(frozen=True)
class Retrieval:
    """`options` are those of the job; `reason` tells why it was not fetched yet, `tries` how often not."""

    server: str
    study_uid: str
    series_uid: str | None
    options: Mapping[str, Any]
    owner: str
    traceparent: str
    created_at: float = 0.0
    state: RetrievalState = "waiting"
    tries: int = 0
    reason: str | None = None
    job_id: str | None = None
    error: Mapping[str, Any] | None = None

    @property
    def retrieval_id(self) -> str:
        """The same for the same request of the same owner, so that one is not fetched twice at once."""
        named = [self.server, self.study_uid, self.series_uid, dict(self.options), self.owner]
        return hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()[:32]

    @property
    def is_final(self) -> bool:
        return self.state != "waiting"

    def tried(self, reason: str) -> Self:
        return replace(self, tries=self.tries + 1, reason=reason)

    def submitted(self, job_id: str) -> Self:
        return replace(self, state="submitted", reason=None, job_id=job_id)

    def failed(self, problem: Problem) -> Self:
        return replace(self, state="failed", reason=None, error=problem.model_dump(mode="json"))

    def to_record(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def of_record(cls, record: str) -> Self:
        return cls(**json.loads(record))


class RetrievalView(BaseModel):
    """A retrieval as its sender sees it: `waiting` while the server is asked, then a job or an error."""

    retrieval_id: str
    state: RetrievalState
    created_at: datetime
    dicomweb_server: str
    study_uid: str
    series_uid: str | None
    tries: int
    reason: str | None
    job_id: str | None
    error: Problem | None
    links: dict[str, str]

    @classmethod
    def of(cls, retrieval: Retrieval) -> Self:
        links = {"self": f"/retrievals/{retrieval.retrieval_id}"}
        if retrieval.job_id is not None:
            links["job"] = f"/jobs/{retrieval.job_id}"
        return cls(
            retrieval_id=retrieval.retrieval_id,
            state=retrieval.state,
            created_at=datetime.fromtimestamp(retrieval.created_at, UTC),
            dicomweb_server=retrieval.server,
            study_uid=retrieval.study_uid,
            series_uid=retrieval.series_uid,
            tries=retrieval.tries,
            reason=retrieval.reason,
            job_id=retrieval.job_id,
            error=Problem(**retrieval.error) if retrieval.error else None,
            links=links,
        )


class Retrievals:
    """The retrievals of one service; at most so many wait, and those that are over are kept so long."""

    def __init__(self, redis: Redis, keys: Keys, *, most: int, keep_s: int) -> None:
        self._redis = redis
        self._agenda = Agenda(redis, keys, "retrievals")
        self._most = most
        self._keep_s = keep_s

    async def ask(self, retrieval: Retrieval) -> Retrieval:
        """Note it; the one that is under way where the same was asked before, afresh where that is over.

        Raises:
            QueueFullError: Too many are waiting.
        """
        seconds, _microseconds = await send(self._redis, "TIME")
        noted = replace(retrieval, created_at=float(seconds))
        record = await self._agenda.put(noted.retrieval_id, noted.to_record(), most=self._most)
        if record is None:
            raise QueueFullError(f"{self._most} retrievals are waiting already; try again in a moment")
        return Retrieval.of_record(record)

    async def get(self, retrieval_id: str) -> Retrieval:
        """One of them.

        Raises:
            RetrievalNotFoundError: There is none.
        """
        record = await self._agenda.get(retrieval_id)
        if record is None:
            raise RetrievalNotFoundError(f"there is no retrieval {retrieval_id:.32}")
        return Retrieval.of_record(record)

    async def take(self, count: int) -> list[Retrieval]:
        """Some that are to be tried now; ours until the lease is over."""
        return [Retrieval.of_record(record) for record in await self._agenda.take(count)]

    async def keep(self, retrieval: Retrieval) -> bool:
        """Renew the lease; False where nobody wants it any more."""
        return await self._agenda.keep(retrieval.retrieval_id)

    async def postpone(self, retrieval: Retrieval, pause_s: float) -> None:
        await self._agenda.postpone(retrieval.retrieval_id, retrieval.to_record(), pause_s)

    async def settle(self, retrieval: Retrieval) -> None:
        """It is submitted or has failed."""
        record = retrieval.to_record()
        await self._agenda.settle(retrieval.retrieval_id, retrieval.state, record=record, keep_s=self._keep_s)

    async def forget(self, retrieval_id: str) -> None:
        await self._agenda.forget(retrieval_id)
