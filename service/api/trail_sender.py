"""Sends the audit messages that are owed to the repository, again and again until it has read them."""

import asyncio
import logging
from collections.abc import Sequence

from redis.exceptions import RedisError

from imaging.dicom_audit.repository import Repository
from service.audit_trail import AuditTrail
from service.owed_messages import OwedMessage

logger = logging.getLogger(__name__)

_LOOK_S = 0.5
_AT_ONCE = 100
# Below the lease, so that what is in hand stays there while the repository is away.
_LONGEST_PAUSE_S = 30.0


class TrailSender:
    """Every API process has one; a lease keeps them from sending the same messages at once."""

    def __init__(self, trail: AuditTrail, repository: Repository) -> None:
        self._trail = trail
        self._repository = repository

    async def run(self) -> None:
        """Send for ever."""
        while True:
            taken: list[OwedMessage] = []
            try:
                await self._trail.write()
                taken = await self._trail.owed.take(_AT_ONCE)
                if taken:
                    await self._send(taken)
            except RedisError as error:
                logger.warning("sending audit messages failed: %s", type(error).__name__)
                taken = []
            if not taken:
                await asyncio.sleep(_LOOK_S)

    async def _send(self, taken: Sequence[OwedMessage]) -> None:
        pause = 1.0
        while not await self._is_sent(taken):
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)
            taken = [owed for owed in taken if await self._trail.owed.keep(owed)]
        for owed in taken:
            await self._trail.owed.settle(owed)

    async def _is_sent(self, taken: Sequence[OwedMessage]) -> bool:
        try:
            await asyncio.to_thread(self._repository.send, [owed.message for owed in taken])
        except OSError as error:
            logger.warning(
                "the audit record repository does not take messages (%s); they are kept", type(error).__name__
            )
            return False
        return True
