"""The queue, as the commands of a running service's operator reach it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from redis.asyncio import Redis
from redis.exceptions import RedisError

from service.connection import connect
from service.errors import NotReadyError
from service.keys import Keys
from service.queue import Queue
from service.serve import queue_server
from service.settings import Settings
from service.worker_registry import WorkerRegistry

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class QueueAccess:
    redis: Redis
    keys: Keys
    queue: Queue
    registry: WorkerRegistry


def with_queue(use: Callable[[QueueAccess], Awaitable[_Result]]) -> _Result:
    """Do something with the queue that the environment's settings name.

    Raises:
        NotReadyError: It does not answer.
    """
    settings = Settings()
    with queue_server(settings) as url:
        return asyncio.run(_run(use, settings, url))


async def _run(use: Callable[[QueueAccess], Awaitable[_Result]], settings: Settings, url: str) -> _Result:
    redis, keys = connect(url), Keys(settings.key_prefix)
    limits = {"max_queued": settings.max_queued, "max_deliveries": settings.max_deliveries}
    try:
        await redis.ping()
        queue = Queue(redis, keys, **limits)
        await queue.open()
        return await use(QueueAccess(redis, keys, queue, WorkerRegistry(redis, keys)))
    except RedisError as error:
        raise NotReadyError(
            "the queue does not answer; ATYPIA_DATA_DIR or ATYPIA_REDIS_URL says where the service's is"
        ) from error
    finally:
        await redis.aclose()
