"""Audit messages that are owed to the repository: kept in Redis until it has read them.

Each holds what the repository is to know, a patient's id included; nothing else of this service reads them.
"""

import json
import time
from dataclasses import asdict, dataclass

from redis.asyncio import Redis

from service.agenda import Agenda
from service.connection import send
from service.keys import Keys, make_token

NAME = "audit"
# Of about 2 kB each, which is what a repository may miss before messages are dropped.
MOST_OWED = 100_000


@dataclass(frozen=True)
class OwedMessage:
    """`message_id` sorts by time, as far as the clocks of the machines agree."""

    message_id: str
    message: str


class OwedMessages:
    """What one service owes."""

    def __init__(self, redis: Redis, keys: Keys, *, most: int = MOST_OWED) -> None:
        self._redis = redis
        self._keys = keys
        self._most = most
        self._agenda = Agenda(redis, keys, NAME)

    async def owe(self, message: str) -> bool:
        """Keep a message until it is sent; False where too many are kept, and this one is counted alone."""
        owed = OwedMessage(f"{time.time_ns():020d}-{make_token()[:8]}", message)
        if await self._agenda.put(owed.message_id, json.dumps(asdict(owed)), most=self._most) is not None:
            return True
        await send(self._redis, "HINCRBY", self._keys.counters, f"{NAME}:dropped", 1)
        return False

    async def take(self, count: int) -> list[OwedMessage]:
        """Some of the oldest that are to be sent now; ours until the lease is over."""
        return [OwedMessage(**json.loads(record)) for record in await self._agenda.take(count)]

    async def keep(self, owed: OwedMessage) -> bool:
        """Renew the lease; False where somebody else has sent it."""
        return await self._agenda.keep(owed.message_id)

    async def settle(self, owed: OwedMessage) -> None:
        """It is sent."""
        await self._agenda.settle(owed.message_id, "sent")

    async def count(self) -> int:
        return int(await send(self._redis, "ZCARD", self._keys.agenda(NAME)))
