"""What is removed when its time is over: uploads, then results, then the record of the job."""

import asyncio
import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from redis.exceptions import RedisError

from service.errors import StoreError
from service.keys import UPLOADS
from service.queue import Queue
from service.settings import Settings
from service.store import Store

logger = logging.getLogger(__name__)

SWEEP_S = 300.0
_BATCH = 100
_LONGEST_RUN = timedelta(hours=24)


async def remove_spent(upload_ids: Iterable[str], queue: Queue, store: Store) -> None:
    """Remove uploads, as they were sent, whose jobs are done; may be done twice."""
    for upload_id in upload_ids:
        await store.delete(f"inputs/{upload_id}")
        await queue.forget_spent(upload_id)


class Sweeper:
    """Any worker may sweep, and several at once: each step may be done twice."""

    def __init__(self, queue: Queue, store: Store, *, settings: Settings) -> None:
        self._queue = queue
        self._store = store
        self._settings = settings

    async def run(self) -> None:
        """Sweep for ever, every few minutes."""
        while True:
            try:
                await self.sweep(await self._store.now())
            except (RedisError, OSError, StoreError) as error:
                logger.warning("sweeping failed: %s", type(error).__name__)
            await asyncio.sleep(SWEEP_S)

    async def sweep(self, now: datetime) -> None:
        """Remove what is too old at `now`."""
        keep_inputs = timedelta(hours=self._settings.keep_inputs_hours)
        for prefix in UPLOADS:
            old_keys = await self._store.older_than(prefix, now - keep_inputs)
            for upload in sorted({key.rsplit("/", 1)[0] for key in old_keys}):
                await self._store.delete(upload)
        # A worker that was killed between a job's end and the removal leaves these.
        await remove_spent(await self._queue.spent(count=_BATCH), self._queue, self._store)
        waited_s = 3600 * self._settings.expire_queued_hours
        for job_id in await self._queue.waiting_since(waited_s, count=_BATCH):
            await self._queue.expire(job_id)
        # A process that was killed leaves its file.
        await self._store.sweep_scratch(_LONGEST_RUN)
        age_s = 3600 * self._settings.keep_results_hours
        for job_id in await self._queue.older_than(age_s, count=_BATCH):
            if await self._queue.expire(job_id):
                await self._store.delete(f"results/{job_id}")
