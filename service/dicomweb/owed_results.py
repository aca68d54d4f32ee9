"""Results that are owed to a DICOMweb server: kept in Redis from the request until they are stored there."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal, Self

from redis.asyncio import Redis

from service.agenda import Agenda
from service.dicom_forms import Kind
from service.keys import Keys
from service.queue import NO_LIMIT

_NAME = "deliveries"


@dataclass(frozen=True)
class OwedResult:
    """`tries` counts those that failed, `stored` are the forms that are there already."""

    job_id: str
    server: str
    owner: str
    tries: int = 0
    looks: int = 0
    stored: Sequence[Kind] = ()

    @property
    def owed_id(self) -> str:
        return hashlib.sha256(f"{self.job_id} {self.server}".encode()).hexdigest()[:32]

    def to_record(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def of_record(cls, record: str) -> Self:
        return cls(**json.loads(record))


class OwedResults:
    """What one service owes; whoever asks for the same again has it sent again, and it changes nothing."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._agenda = Agenda(redis, keys, _NAME)

    async def owe(self, owed: OwedResult) -> None:
        # There are no more of them than jobs, which have a limit of their own.
        await self._agenda.put(owed.owed_id, owed.to_record(), most=NO_LIMIT)

    async def take(self, count: int) -> list[OwedResult]:
        """Some that are to be looked at now; ours until the lease is over."""
        return [OwedResult.of_record(record) for record in await self._agenda.take(count)]

    async def keep(self, owed: OwedResult) -> bool:
        return await self._agenda.keep(owed.owed_id)

    async def postpone(self, owed: OwedResult, pause_s: float) -> None:
        await self._agenda.postpone(owed.owed_id, owed.to_record(), pause_s)

    async def settle(self, owed: OwedResult, outcome: Literal["stored", "failed", "dropped"]) -> None:
        """Owe it no longer, and count how it ended."""
        await self._agenda.settle(owed.owed_id, outcome)
