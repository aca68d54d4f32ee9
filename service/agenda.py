"""Things to do that outlive whoever does them: kept in Redis, each with its next moment.

Whoever takes one moves that moment past the end of a lease, so that of a process that dies the next one takes
it over. Times are the server's. A record that is done with may be kept a while for those who ask.
"""

from redis.asyncio import Redis

from service.connection import send
from service.keys import Keys

LEASE_S = 60

# KEYS agenda, record; ARGV id, record, most. Answers the record of one that is on it already, 'full', or ''.
_PUT = """
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return redis.call('GET', KEYS[2]) end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then return 'full' end
redis.call('SET', KEYS[2], ARGV[2])
redis.call('ZADD', KEYS[1], redis.call('TIME')[1], ARGV[1])
return ''
"""

# KEYS agenda; ARGV prefix of records, lease, most. Answers the records of those due.
_TAKE = """
local now = tonumber(redis.call('TIME')[1])
local taken = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[3])) do
  local record = redis.call('GET', ARGV[1] .. id)
  if record then
    redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), id)
    table.insert(taken, record)
  else
    redis.call('ZREM', KEYS[1], id)
  end
end
return taken
"""

# KEYS agenda, record; ARGV id, record or '', pause. Answers 0 for one that is on it no longer.
_POSTPONE = """
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
if ARGV[2] ~= '' then redis.call('SET', KEYS[2], ARGV[2]) end
redis.call('ZADD', KEYS[1], redis.call('TIME')[1] + ARGV[3], ARGV[1])
return 1
"""

# KEYS agenda, record, counters; ARGV id, record, seconds to keep it, counter.
_SETTLE = """
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('HINCRBY', KEYS[3], ARGV[4], 1)
if tonumber(ARGV[3]) > 0 then redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3])
else redis.call('DEL', KEYS[2]) end
return 1
"""


class Agenda:
    """Records by id, as strings; each method may be repeated."""

    def __init__(self, redis: Redis, keys: Keys, name: str) -> None:
        self._redis = redis
        self._name = name
        self._counters = keys.counters
        self._set = keys.agenda(name)
        self._prefix = keys.agenda_record(name, "")
        self._put = redis.register_script(_PUT)
        self._take = redis.register_script(_TAKE)
        self._postpone = redis.register_script(_POSTPONE)
        self._settle = redis.register_script(_SETTLE)

    async def put(self, item_id: str, record: str, *, most: int) -> str | None:
        """Note it; the record that is there where it was noted before, None where `most` are.

        One that is settled is noted anew.
        """
        known: str = await self._put(keys=self._keys_of(item_id), args=[item_id, record, most])
        return None if known == "full" else known or record

    async def take(self, count: int) -> list[str]:
        """The records of some that are due; ours until the lease is over."""
        found: list[str] = await self._take(keys=[self._set], args=[self._prefix, LEASE_S, count])
        return found

    async def keep(self, item_id: str) -> bool:
        """Renew the lease; False where it is on the agenda no longer."""
        return bool(await self._postpone(keys=self._keys_of(item_id), args=[item_id, "", LEASE_S]))

    async def postpone(self, item_id: str, record: str, pause_s: float) -> bool:
        return bool(await self._postpone(keys=self._keys_of(item_id), args=[item_id, record, round(pause_s)]))

    async def settle(self, item_id: str, outcome: str, *, record: str = "", keep_s: int = 0) -> None:
        """Take it off and count how it ended, unless somebody else has; the record is kept for so long."""
        counter = f"{self._name}:{outcome}"
        keys = [*self._keys_of(item_id), self._counters]
        await self._settle(keys=keys, args=[item_id, record, keep_s, counter])

    async def get(self, item_id: str) -> str | None:
        record: str | None = await send(self._redis, "GET", f"{self._prefix}{item_id}")
        return record

    async def forget(self, item_id: str) -> None:
        """Take it off, and its record with it."""
        await self.settle(item_id, "dropped")
        await send(self._redis, "DEL", f"{self._prefix}{item_id}")

    def _keys_of(self, item_id: str) -> list[str]:
        return [self._set, f"{self._prefix}{item_id}"]
