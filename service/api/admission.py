"""Who may upload now: not more often than allowed, not more than fits in the queue, not onto a full disk."""

from starlette.requests import Request

from service.api.clients import client_of
from service.api.uploads import announced_bytes
from service.disk import Disk
from service.queue import Queue
from service.rates import RateLimit


class Admission:
    """Asked before a body is received; the disk also while it is."""

    def __init__(self, queue: Queue, rates: RateLimit, disk: Disk) -> None:
        self._queue = queue
        self._rates = rates
        self.disk = disk

    async def admit(self, request: Request) -> None:
        """Let an upload in.

        Raises:
            TooManyRequestsError: Its sender asks too often.
            QueueFullError: Too many jobs or bytes are waiting.
            DiskFullError: It would leave too little room on the disk.
            MalformedRequestError: Its length is no number.
        """
        coming_bytes = announced_bytes(request)
        await self._rates.take(client_of(request))
        await self._queue.check_room(coming_bytes)
        self.disk.check(coming_bytes)
