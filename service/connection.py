"""One way to reach Redis, embedded or not."""

from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff


def connect(url: str) -> Redis:
    """A client that repeats a command whose connection dropped, which is why every write may happen twice."""
    return Redis.from_url(
        url,
        decode_responses=True,
        socket_connect_timeout=5,
        socket_timeout=15,
        health_check_interval=30,
        retry=Retry(ExponentialBackoff(cap=0.5, base=0.02), retries=3),
    )


async def send(redis: Redis, *command: Any) -> Any:
    """Send one command that is not worth a method of its own."""
    return await redis.execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py's own
