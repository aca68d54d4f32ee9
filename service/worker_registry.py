"""Which workers are alive: each says so every second or so, and what it has loaded."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from redis.asyncio import Redis

from service.connection import send
from service.keys import Keys

BEAT_S = 1.0
KEEP_MS = 4000


@dataclass(frozen=True)
class WorkerStatus:
    """What a live worker says of itself. It says nothing before its models passed their parity check."""

    worker_id: str
    pid: int
    host: str
    device: str
    models: Mapping[str, str]  # name@version -> bundle digest
    jobs: tuple[str, ...]


class WorkerRegistry:
    """The live workers of one service; one that is silent for a few seconds counts as dead."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def announce(self, status: WorkerStatus) -> None:
        """Say that the worker is alive."""
        seconds, _microseconds = await send(self._redis, "TIME")
        pipeline = self._redis.pipeline(transaction=False)
        key, content = self._keys.worker(status.worker_id), json.dumps(asdict(status))
        pipeline.execute_command("SET", key, content, "PX", KEEP_MS)
        pipeline.execute_command("ZADD", self._keys.workers, seconds, status.worker_id)
        pipeline.execute_command("ZREMRANGEBYSCORE", self._keys.workers, "-inf", seconds - KEEP_MS / 1000)
        await pipeline.execute()

    async def withdraw(self, worker_id: str) -> None:
        """Say that the worker has stopped."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.execute_command("DEL", self._keys.worker(worker_id))
        pipeline.execute_command("ZREM", self._keys.workers, worker_id)
        await pipeline.execute()

    async def alive(self) -> list[WorkerStatus]:
        worker_ids = await send(self._redis, "ZRANGE", self._keys.workers, 0, -1)
        if not worker_ids:
            return []
        found = await send(self._redis, "MGET", *(self._keys.worker(name) for name in worker_ids))
        return [_status_of(content) for content in found if content]


def _status_of(content: str) -> WorkerStatus:
    fields = json.loads(content)
    return WorkerStatus(**{**fields, "jobs": tuple(fields["jobs"])})
