"""Which workers are alive: each says so every second or so, and what it has loaded."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from redis.asyncio import Redis

from service.connection import send
from service.keys import Keys

BEAT_S = 1.0
KEEP_MS = 4000
BROKEN_S = 600


@dataclass(frozen=True)
class WorkerStatus:
    """What a live worker says of itself. It says nothing before its models passed their parity check.

    `slots` are the jobs that it has in hand at most; `pace` tells of each model how long jobs took of late,
    see `service.pace`.
    """

    worker_id: str
    pid: int
    host: str
    device: str
    models: Mapping[str, str]  # name@version -> bundle digest
    jobs: tuple[str, ...]
    slots: int = 1
    pace: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


class WorkerRegistry:
    """The live workers of one service; one that is silent for a few seconds counts as dead."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def announce(self, status: WorkerStatus, *, counters: Mapping[str, float] | None = None) -> None:
        """Say that the worker is alive, and add to the counters what it has done since it last did.

        A repeat after a dropped connection adds twice, which a metric can bear.
        """
        seconds, _microseconds = await send(self._redis, "TIME")
        pipeline = self._redis.pipeline(transaction=False)
        key, content = self._keys.worker(status.worker_id), json.dumps(asdict(status))
        pipeline.execute_command("SET", key, content, "PX", KEEP_MS)
        pipeline.execute_command("ZADD", self._keys.workers, seconds, status.worker_id)
        pipeline.execute_command("ZREMRANGEBYSCORE", self._keys.workers, "-inf", seconds - KEEP_MS / 1000)
        for name, count in (counters or {}).items():
            pipeline.execute_command("HINCRBYFLOAT", self._keys.counters, name, count)
        await pipeline.execute()

    async def withdraw(self, worker_id: str) -> None:
        """Say that the worker has stopped."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.execute_command("DEL", self._keys.worker(worker_id))
        pipeline.execute_command("ZREM", self._keys.workers, worker_id)
        await pipeline.execute()

    async def tell_broken(self, host: str, problem: str) -> None:
        """Say why a worker on this host cannot work; it holds until one there can, or a while is over."""
        seconds, _microseconds = await send(self._redis, "TIME")
        await send(self._redis, "HSET", self._keys.broken, host, json.dumps([seconds, problem]))

    async def tell_whole(self, host: str) -> None:
        """Say that a worker on this host can work."""
        await send(self._redis, "HDEL", self._keys.broken, host)

    async def broken(self) -> dict[str, str]:
        """By host, why a worker there cannot work."""
        now, _microseconds = await send(self._redis, "TIME")
        found = await send(self._redis, "HGETALL", self._keys.broken)
        entries = {host: json.loads(content) for host, content in found.items()}
        return {host: problem for host, (at, problem) in entries.items() if now - at < BROKEN_S}

    async def alive(self) -> list[WorkerStatus]:
        worker_ids = await send(self._redis, "ZRANGE", self._keys.workers, 0, -1)
        if not worker_ids:
            return []
        found = await send(self._redis, "MGET", *(self._keys.worker(name) for name in worker_ids))
        return [_status_of(content) for content in found if content]


def _status_of(content: str) -> WorkerStatus:
    fields = json.loads(content)
    return WorkerStatus(**{**fields, "jobs": tuple(fields["jobs"])})
