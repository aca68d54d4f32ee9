"""How the service is, for the page: one look serves all who ask for a while."""

import asyncio
import time

from service.queue import Queue
from service.service_status import ServiceStatus, gather_status
from service.worker_registry import WorkerRegistry

# A look reads the newest jobs, up to 10,000 in a quarter of a second: it may take a twentieth of the time.
_FRESH_S = 1.0
_FRESH_LOOKS = 20


class StatusBoard:
    """Looks when it is asked."""

    def __init__(self, queue: Queue, registry: WorkerRegistry) -> None:
        self._queue = queue
        self._registry = registry
        self._found: ServiceStatus | None = None
        self._stale_at = 0.0
        self._looking = asyncio.Lock()

    async def status(self) -> ServiceStatus:
        async with self._looking:
            began = time.monotonic()
            if self._found is None or began >= self._stale_at:
                self._found = await gather_status(self._queue, self._registry)
                ended = time.monotonic()
                self._stale_at = ended + max(_FRESH_S, _FRESH_LOOKS * (ended - began))
            return self._found
