"""How long jobs will take, for the routes: one look at the queue serves all who ask within a second."""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from service.jobs import Job, JobView
from service.outlook import Outlook
from service.queue import Queue
from service.worker_registry import WorkerRegistry

_FRESH_S = 1.0
# Of a queue that is longer, the end waits a little longer than is said.
_LOOK_AT = 10_000


class Forecaster:
    """Looks at the queue when it is asked."""

    def __init__(self, queue: Queue, registry: WorkerRegistry) -> None:
        self._queue = queue
        self._registry = registry
        self._outlook = Outlook({}, None, {})
        self._looked_at = -_FRESH_S
        self._looking = asyncio.Lock()

    async def outlook(self) -> Outlook:
        async with self._looking:
            if time.monotonic() - self._looked_at >= _FRESH_S:
                waiting = await self._queue.waiting(_LOOK_AT)
                self._outlook = Outlook.of(waiting, await self._registry.alive())
                self._looked_at = time.monotonic()
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
