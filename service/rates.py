"""How often one client may ask: a token bucket for each, in Redis, so that all APIs count together.

A bucket holds up to `burst` tokens and gets `per_minute` of them a minute; a request takes one. A take that
redis-py repeats after a dropped connection costs a second token, which harms nobody.
"""

import math

from redis.asyncio import Redis

from service.errors import TooManyRequestsError
from service.keys import Keys

# KEYS bucket; ARGV tokens a second, most tokens. Answers in how many seconds there is one, 0: it was taken.
_TAKE = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local pace, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local known = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(known[1] or most)
tokens = math.min(most, tokens + math.max(0, now - tonumber(known[2] or now)) * pace)
local missing = 0
if tokens >= 1 then tokens = tokens - 1 else missing = (1 - tokens) / pace end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', string.format('%.6f', now))
redis.call('EXPIRE', KEYS[1], math.ceil(most / pace) + 1)
return tostring(missing)
"""


class RateLimit:
    """A limit of `per_minute` requests for each client; 0 is none."""

    def __init__(self, redis: Redis, keys: Keys, *, per_minute: float, burst: int) -> None:
        self._keys = keys
        self._per_minute = per_minute
        self._burst = burst
        self._take = redis.register_script(_TAKE)

    async def take(self, client: str) -> None:
        """Count one request.

        Raises:
            TooManyRequestsError: The client has used up what it may.
        """
        if not self._per_minute:
            return
        arguments = [self._per_minute / 60, self._burst]
        missing_s = float(await self._take(keys=[self._keys.rate(client)], args=arguments))
        if missing_s > 0:
            wait_s = math.ceil(missing_s)
            raise TooManyRequestsError(
                f"more than {self._per_minute:g} uploads a minute from one client; try again in {wait_s} s",
                retry_after_s=wait_s,
            )
