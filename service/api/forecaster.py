"""How long jobs will take, for the routes: one look at the queue serves all who ask for a while."""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from service.jobs import Job, JobView
from service.outlook import Outlook
from service.queue import Queue
from service.worker_registry import WorkerRegistry

# A look is as costly as the queue is long: it may take a twentieth of the time.
_FRESH_S = 1.0
_FRESH_LOOKS = 20
# Of a queue that is longer, the end waits a little longer than is said.
_LOOK_AT = 10_000


class Forecaster:
    """Looks at the queue when it is asked."""

    def __init__(self, queue: Queue, registry: WorkerRegistry) -> None:
        self._queue = queue
        self._registry = registry
        self._outlook = Outlook({}, None, {})
        self._stale_at = 0.0
        self._looking = asyncio.Lock()

    async def outlook(self) -> Outlook:
        async with self._looking:
            began = time.monotonic()
            if began >= self._stale_at:
                waiting = await self._queue.waiting(_LOOK_AT)
                self._outlook = Outlook.of(waiting, await self._registry.alive())
                ended = time.monotonic()
                self._stale_at = ended + max(_FRESH_S, _FRESH_LOOKS * (ended - began))
        return self._outlook

    async def view(self, job: Job) -> JobView:
        """The job as its sender sees it, with the time that it needs."""
        [view] = await self.views([job])
        return view

    async def views(self, jobs: Sequence[Job]) -> list[JobView]:
        if all(job.is_final for job in jobs):
            return [JobView.of(job, seconds_left=None) for job in jobs]
        outlook, now = await self.outlook(), datetime.now(UTC)
        return [JobView.of(job, seconds_left=outlook.seconds_left(job, now)) for job in jobs]
