"""Sends the callbacks that are owed, again and again until they arrive or were tried often enough."""

import asyncio
import logging
import time
from dataclasses import replace

from redis.exceptions import RedisError

from service.callbacks import AllowList
from service.deliveries import Deliveries, OwedCallback
from service.errors import CallbackFailedError, CallbackRefusedError, JobNotFoundError
from service.jobs import JobView
from service.post import post
from service.queue import Queue
from service.signature import HEADER, sign

logger = logging.getLogger(__name__)

_LOOK_S = 0.5
_AT_ONCE = 8
LONGEST_PAUSE_S = 3600.0


def pause_s(tries: int) -> float:
    """1, 4, 16, 64 … seconds after the first, second … try, an hour at most."""
    return float(min(4 ** (tries - 1), LONGEST_PAUSE_S))


class CallbackSender:
    """Every API process has one; a lease keeps them from sending the same callback at once."""

    def __init__(
        self, queue: Queue, deliveries: Deliveries, allowed: AllowList, *, secret: str, most_tries: int
    ) -> None:
        self._queue = queue
        self._deliveries = deliveries
        self._allowed = allowed
        self._secret = secret
        self._most_tries = most_tries

    async def run(self) -> None:
        """Send for ever."""
        while True:
            taken: list[OwedCallback] = []
            try:
                taken = await self._deliveries.take(_AT_ONCE)
                await asyncio.gather(*(self._send(callback) for callback in taken))
            except RedisError as error:
                logger.warning("sending callbacks failed: %s", type(error).__name__)
            if not taken:
                await asyncio.sleep(_LOOK_S)

    async def _send(self, callback: OwedCallback) -> None:
        try:
            reason = await self._reason_to_try_again(callback)
        except JobNotFoundError:
            return await self._deliveries.settle(callback, "dropped")
        if reason is None:
            return await self._deliveries.settle(callback, "delivered")
        tried = replace(callback, tries=callback.tries + 1)
        if tried.tries >= self._most_tries:
            logger.warning("the callback of job %s is given up: %s", callback.job_id, reason)
            return await self._deliveries.settle(callback, "given-up")
        return await self._deliveries.postpone(tried, pause_s(tried.tries))

    async def _reason_to_try_again(self, callback: OwedCallback) -> str | None:
        """Send once; None where it arrived.

        Raises:
            JobNotFoundError: There is nothing left to tell.
        """
        job = await self._queue.get(callback.job_id)
        body = JobView.of(job, seconds_left=None).model_dump_json().encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Atypia",
            "X-Atypia-Delivery": callback.callback_id,
            HEADER: sign(self._secret, body, int(time.time())),
        }
        try:
            status = await post(self._allowed.endpoint_of(callback.url), body, headers, self._allowed)
        except (CallbackRefusedError, CallbackFailedError) as error:
            return str(error)
        return None if 200 <= status < 300 else f"the host answers {status}"
