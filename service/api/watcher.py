"""Follows jobs as they change: one subscription for the whole process, however many clients are waiting."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from weakref import WeakSet

from redis.asyncio import Redis
from redis.exceptions import RedisError

from service.api.job_feed import Change, JobFeed
from service.errors import JobNotFoundError, NotReadyError
from service.jobs import Job
from service.keys import Keys
from service.queue import Queue

logger = logging.getLogger(__name__)

# A message may be lost with its connection: look at least so often.
_LOOK_S = 1.0
_START_S = 5.0


@dataclass(eq=False)
class _Waiter:
    """Somebody who waits for a job's next change, or for its end."""

    only_its_end: bool
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def sleep(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.changed.wait(), seconds)


class JobWatcher:
    """Wakes those who wait for a job; `run` must be running for that to be at once."""

    def __init__(self, redis: Redis, keys: Keys, queue: Queue) -> None:
        self._redis = redis
        self._channel = keys.events
        self._queue = queue
        self._waiting: defaultdict[str, set[_Waiter]] = defaultdict(set)
        self._listening = asyncio.Event()
        # A response that is never begun is never told of its end.
        self._feeds: WeakSet[JobFeed] = WeakSet()

    async def run(self) -> None:
        """Listen for ever."""
        while True:
            try:
                await self._listen()
            except RedisError as error:
                logger.warning("listening for jobs failed: %s", error)
            self._listening.clear()
            self._end_feeds()
            await asyncio.sleep(_LOOK_S)

    async def changes(self, job_id: str) -> AsyncIterator[Job]:
        """The job as it is now, then after each change, until it is final or deleted."""
        revision = -1
        with self._waiter(job_id) as waiter:
            while True:
                waiter.changed.clear()
                try:
                    job = await self._queue.get(job_id)
                except JobNotFoundError:
                    return
                if job.revision != revision:
                    yield job
                revision = job.revision
                if job.is_final:
                    return
                await waiter.sleep(_LOOK_S)

    async def wait(self, job_id: str, wait_s: float) -> Job:
        """The job when it is final, or as it is after `wait_s`.

        Raises:
            JobNotFoundError: There is none, or it was deleted meanwhile.
        """
        deadline = time.monotonic() + wait_s
        with self._waiter(job_id, only_its_end=True) as waiter:
            while True:
                waiter.changed.clear()
                job = await self._queue.get(job_id)
                left_s = deadline - time.monotonic()
                if job.is_final or left_s <= 0:
                    return job
                await waiter.sleep(min(left_s, _LOOK_S))

    async def feed(self) -> JobFeed:
        """Every change of any job from now on.

        Raises:
            NotReadyError: Nobody would hear of one.
        """
        try:
            await asyncio.wait_for(self._listening.wait(), _START_S)
        except TimeoutError as error:
            raise NotReadyError("the queue does not answer; try again in a moment") from error
        feed = JobFeed()
        self._feeds.add(feed)
        return feed

    @contextmanager
    def _waiter(self, job_id: str, *, only_its_end: bool = False) -> Iterator[_Waiter]:
        waiter = _Waiter(only_its_end)
        self._waiting[job_id].add(waiter)
        try:
            yield waiter
        finally:
            self._waiting[job_id].discard(waiter)
            if not self._waiting[job_id]:
                del self._waiting[job_id]

    async def _listen(self) -> None:
        async with self._redis.pubsub() as subscription:
            await subscription.subscribe(self._channel)
            async for message in subscription.listen():
                if message["type"] == "subscribe":
                    # redis-py also subscribes anew by itself, and what was said before that is lost.
                    self._end_feeds()
                    self._listening.set()
                elif message["type"] == "message":
                    self._tell(message["data"])

    def _tell(self, message: str) -> None:
        job_id, state, owner = (*message.split(" ", 2), "", "")[:3]
        for waiter in self._waiting.get(job_id, ()):
            if not waiter.only_its_end or state not in ("queued", "running"):
                waiter.changed.set()
        for feed in self._feeds:
            feed.note(job_id, Change(state, owner))

    def _end_feeds(self) -> None:
        for feed in self._feeds:
            feed.end()
        self._feeds.clear()
