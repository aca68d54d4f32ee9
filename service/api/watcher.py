"""Follows jobs as they change: one subscription for the whole process, however many clients are waiting."""

import asyncio
import logging
import math
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import suppress

from redis.asyncio import Redis
from redis.exceptions import RedisError

from service.errors import JobNotFoundError
from service.jobs import Job
from service.keys import Keys
from service.queue import Queue

logger = logging.getLogger(__name__)

# A message may be lost with its connection: look at least so often.
_LOOK_S = 1.0


class JobWatcher:
    """Wakes those who wait for a job; `run` must be running for that to be at once."""

    def __init__(self, redis: Redis, keys: Keys, queue: Queue) -> None:
        self._redis = redis
        self._channel = keys.events
        self._queue = queue
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    async def run(self) -> None:
        """Listen for ever."""
        while True:
            try:
                await self._listen()
            except RedisError as error:
                logger.warning("listening for jobs failed: %s", error)
            await asyncio.sleep(_LOOK_S)

    async def changes(self, job_id: str, *, for_s: float = math.inf) -> AsyncIterator[Job]:
        """The job as it is now, then after each change, until it is final or deleted, or `for_s` are over."""
        changed = asyncio.Event()
        self._waiting[job_id].add(changed)
        deadline = time.monotonic() + for_s
        revision = -1
        try:
            while True:
                changed.clear()
                job = await self._queue.get(job_id)
                if job.revision != revision:
                    yield job
                revision = job.revision
                left_s = deadline - time.monotonic()
                if job.is_final or left_s <= 0:
                    return
                with suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), min(left_s, _LOOK_S))
        except JobNotFoundError:
            return
        finally:
            self._waiting[job_id].discard(changed)
            if not self._waiting[job_id]:
                del self._waiting[job_id]

    async def wait(self, job_id: str, wait_s: float) -> Job:
        """The job when it is final, or as it is after `wait_s`.

        Raises:
            JobNotFoundError: There is none, or it was deleted meanwhile.
        """
        async for job in self.changes(job_id, for_s=wait_s):
            if job.is_final:
                return job
        return await self._queue.get(job_id)

    async def _listen(self) -> None:
        async with self._redis.pubsub(ignore_subscribe_messages=True) as subscription:
            await subscription.subscribe(self._channel)
            async for message in subscription.listen():
                for changed in self._waiting.get(message["data"], ()):
                    changed.set()
