"""Follows jobs as they change: one subscription for the whole process, however many clients are waiting."""

import asyncio
import logging
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
                logger.warning("listening for jobs failed: %s", type(error).__name__)
            await asyncio.sleep(_LOOK_S)

    async def changes(self, job_id: str) -> AsyncIterator[Job]:
        """The job as it is now, then after each change, until it is final or deleted."""
        changed = asyncio.Event()
        self._waiting[job_id].add(changed)
        revision = -1
        try:
            while True:
                changed.clear()
                job = await self._queue.get(job_id)
                if job.revision != revision:
                    yield job
                if job.is_final:
                    return
                revision = job.revision
                with suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), _LOOK_S)
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
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                async for _job in self.changes(job_id):
                    pass
        return await self._queue.get(job_id)

    async def _listen(self) -> None:
        async with self._redis.pubsub(ignore_subscribe_messages=True) as subscription:
            await subscription.subscribe(self._channel)
            async for message in subscription.listen():
                for changed in self._waiting.get(message["data"], ()):
                    changed.set()
