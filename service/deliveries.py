"""Callbacks that are owed: kept in Redis from the request until they arrived or were given up.

A sorted set holds each one's next moment. Whoever takes one moves that moment past the end of its lease, so a
sender that dies leaves it to the next. A job that is not final yet is looked at again a second later.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from service.keys import Keys

LEASE_S = 60
_LOOK_S = 1

# KEYS owed, record, job; ARGV id, record.
_OWE = """
if redis.call('EXISTS', KEYS[3]) == 0 then return 0 end
redis.call('SET', KEYS[2], ARGV[2])
redis.call('ZADD', KEYS[1], redis.call('TIME')[1], ARGV[1])
return 1
"""

# KEYS owed; ARGV prefix of records, prefix of jobs, lease, pause, most. Answers the records of those due.
_TAKE = """
local now = tonumber(redis.call('TIME')[1])
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[5])
local taken = {}
for _, id in ipairs(due) do
  local record = redis.call('GET', ARGV[1] .. id)
  local state = record and redis.call('HGET', ARGV[2] .. cjson.decode(record)['job_id'], 'state')
  if not state then
    redis.call('ZREM', KEYS[1], id)
    redis.call('DEL', ARGV[1] .. id)
  elseif state == 'queued' or state == 'running' then
    redis.call('ZADD', KEYS[1], now + tonumber(ARGV[4]), id)
  else
    redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), id)
    table.insert(taken, record)
  end
end
return taken
"""

# KEYS owed, record; ARGV id, record, pause. Of one that is owed no longer, nothing is left behind.
_POSTPONE = """
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
redis.call('SET', KEYS[2], ARGV[2])
redis.call('ZADD', KEYS[1], redis.call('TIME')[1] + ARGV[3], ARGV[1])
return 1
"""

# KEYS owed, record, counters; ARGV id, outcome.
_SETTLE = """
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('DEL', KEYS[2])
redis.call('HINCRBY', KEYS[3], 'callbacks:' .. ARGV[2], 1)
return 1
"""


@dataclass(frozen=True)
class OwedCallback:
    """`tries` counts those that failed."""

    job_id: str
    url: str
    tries: int = 0

    @property
    def callback_id(self) -> str:
        """The same for the same job and URL, so that what is asked for twice is owed once."""
        return hashlib.sha256(f"{self.job_id} {self.url}".encode()).hexdigest()[:32]

    def to_record(self) -> str:
        return json.dumps({"job_id": self.job_id, "url": self.url, "tries": self.tries})


class Deliveries:
    """The callbacks that one service owes."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._keys = keys
        self._owe = redis.register_script(_OWE)
        self._take = redis.register_script(_TAKE)
        self._postpone = redis.register_script(_POSTPONE)
        self._settle = redis.register_script(_SETTLE)

    async def owe(self, callback: OwedCallback) -> None:
        """Note that the end of a job is to be told; of one that has ended, at once."""
        keys = [*self._keys_of(callback), self._keys.job(callback.job_id)]
        await self._owe(keys=keys, args=[callback.callback_id, callback.to_record()])

    async def take(self, count: int) -> list[OwedCallback]:
        """Callbacks that are to be sent now, at most about so many; ours until the lease is over."""
        prefixes = [self._keys.callback(""), self._keys.job("")]
        arguments: list[Any] = [*prefixes, LEASE_S, _LOOK_S, count]
        found = await self._take(keys=[self._keys.callbacks], args=arguments)
        return [OwedCallback(**json.loads(record)) for record in found]

    async def postpone(self, callback: OwedCallback, pause_s: float) -> None:
        """Try again after a pause."""
        arguments: list[Any] = [callback.callback_id, callback.to_record(), round(pause_s)]
        await self._postpone(keys=self._keys_of(callback), args=arguments)

    async def settle(self, callback: OwedCallback, outcome: str) -> None:
        """Owe it no longer, and count how it ended."""
        keys = [*self._keys_of(callback), self._keys.counters]
        await self._settle(keys=keys, args=[callback.callback_id, outcome])

    def _keys_of(self, callback: OwedCallback) -> list[str]:
        return [self._keys.callbacks, self._keys.callback(callback.callback_id)]
