"""How a job moves from state to state: the only writers of its record, each atomic and safe to repeat.

Every script takes a caller-made token (`attempt`) and looks at it first, so that a write that redis-py
repeats after a dropped connection finds its own traces and changes nothing. Times are the server's, for
workers' clocks may be wrong.
"""

_PRELUDE = """
local function now()
  local time = redis.call('TIME')
  return time[1] .. '.' .. string.format('%06d', tonumber(time[2]))
end
local function tell(job, channel, id)
  redis.call('HINCRBY', job, 'revision', 1)
  redis.call('PUBLISH', channel, id .. ' ' .. redis.call('HGET', job, 'state'))
end
-- Jobs of each priority have a stream of their own; `service.keys` makes the same names.
local function stream_of(queue, job)
  local priority = redis.call('HGET', job, 'priority')
  if priority == 'high' or priority == 'low' then return queue .. ':' .. priority end
  return queue
end
-- The stream and the sum of its messages' bytes change together, here and nowhere else.
local function enqueue(queue, job, id, attempt)
  local known = redis.call('HMGET', job, 'model', 'size_bytes')
  local size = known[2] or '0'
  redis.call('INCRBY', queue .. ':bytes', size)
  return redis.call('XADD', queue, '*', 'id', id, 'attempt', attempt, 'model', known[1] or '', 'bytes', size)
end
local function drop(queue, group, message)
  if not message then return end
  local entry = redis.call('XRANGE', queue, message, message)[1]
  redis.call('XACK', queue, group, message)
  if entry and redis.call('XDEL', queue, message) == 1 then
    redis.call('DECRBY', queue .. ':bytes', entry[2][8] or '0')
  end
end
local function room(queue, most_jobs, most_bytes, size)
  local depth, queued = 0, 0
  for _, stream in ipairs({queue .. ':high', queue, queue .. ':low'}) do
    depth = depth + redis.call('XLEN', stream)
    queued = queued + tonumber(redis.call('GET', stream .. ':bytes') or '0')
  end
  if depth >= tonumber(most_jobs) then return 'full' end
  -- An upload that is larger than the limit has its turn when nothing else waits.
  if queued > 0 and queued + tonumber(size) > tonumber(most_bytes) then return 'heavy' end
end
local function is_held(queue, group, message, worker)
  local pending = redis.call('XPENDING', queue, group, message, message, 1)
  return #pending > 0 and pending[1][2] == worker
end
"""

# KEYS queue; ARGV most jobs, most bytes, bytes. Answers why an upload of so many bytes is refused, or ''.
ROOM = _PRELUDE + "return room(KEYS[1], ARGV[1], ARGV[2], ARGV[3]) or ''"

# KEYS streams, the first of them first; ARGV group, worker. Answers a stream and a message that nobody has.
TAKE = """
for _, stream in ipairs(KEYS) do
  local found = redis.call('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'COUNT', 1, 'STREAMS', stream, '>')
  if found then return {stream, found[1][2]} end
end
return {}
"""

# KEYS streams; ARGV group, worker, silence in ms, most messages. Answers a stream and messages taken over.
RECOVER = """
for _, stream in ipairs(KEYS) do
  local cursor = '0-0'
  -- One call looks at a few messages only, and those in front may all be in good hands.
  repeat
    local found = redis.call('XAUTOCLAIM', stream, ARGV[1], ARGV[2], ARGV[3], cursor, 'COUNT', ARGV[4])
    if #found[2] > 0 then return {stream, found[2]} end
    cursor = found[1]
  until cursor == '0-0'
end
return {}
"""

# KEYS job, queue, jobs; ARGV id, attempt, events, most jobs, most bytes, bytes, then record fields in pairs.
SUBMIT = (
    _PRELUDE
    + """
local known = redis.call('HMGET', KEYS[1], 'state', 'attempt', 'revision')
if known[2] == ARGV[2] then return 'created' end
if known[1] == 'queued' or known[1] == 'running' or known[1] == 'done' then return 'known' end
local refused = room(KEYS[2], ARGV[4], ARGV[5], ARGV[6])
if refused then return refused end
local time = now()
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'state', 'queued', 'progress', '0', 'created_at', time,
  'attempt', ARGV[2], 'revision', known[3] or '0', unpack(ARGV, 7))
redis.call('HSET', KEYS[1], 'message', enqueue(stream_of(KEYS[2], KEYS[1]), KEYS[1], ARGV[1], ARGV[2]))
redis.call('ZADD', KEYS[3], time, ARGV[1])
tell(KEYS[1], ARGV[3], ARGV[1])
return 'created'
"""
)

# KEYS job, queue, dead; ARGV id, attempt, events, most jobs, most bytes.
RETRY = (
    _PRELUDE
    + """
local known = redis.call('HMGET', KEYS[1], 'state', 'attempt')
if not known[1] then return 'missing' end
if known[1] == 'queued' or known[1] == 'running' then return 'queued' end
if known[1] ~= 'failed' and known[1] ~= 'cancelled' then return known[1] end
local refused = room(KEYS[2], ARGV[4], ARGV[5], redis.call('HGET', KEYS[1], 'size_bytes') or '0')
if refused then return refused end
local message = enqueue(stream_of(KEYS[2], KEYS[1]), KEYS[1], ARGV[1], ARGV[2])
redis.call('HDEL', KEYS[1], 'error', 'finished_at', 'started_at', 'deliveries', 'worker')
redis.call('HSET', KEYS[1], 'state', 'queued', 'progress', '0', 'attempt', ARGV[2], 'message', message)
redis.call('ZREM', KEYS[3], ARGV[1])
tell(KEYS[1], ARGV[3], ARGV[1])
return 'queued'
"""
)

# KEYS job, stream, dead, counters; ARGV id, attempt, events, group, message, worker, most deliveries, error.
START = (
    _PRELUDE
    + """
local known = redis.call('HMGET', KEYS[1], 'state', 'attempt', 'message', 'deliveries', 'worker')
if known[2] ~= ARGV[2] or known[3] ~= ARGV[5] or (known[1] ~= 'queued' and known[1] ~= 'running') then
  drop(KEYS[2], ARGV[4], ARGV[5])
  return 'stale'
end
if not is_held(KEYS[2], ARGV[4], ARGV[5], ARGV[6]) then return 'lost' end
local time = now()
local times = tonumber(known[4] or '0')
-- A worker that takes its own job up again has lost its connection, not its life.
if known[1] == 'queued' or known[5] ~= ARGV[6] then times = times + 1 end
if times > tonumber(ARGV[7]) then
  redis.call('HSET', KEYS[1], 'state', 'failed', 'error', ARGV[8], 'finished_at', time)
  redis.call('ZADD', KEYS[3], time, ARGV[1])
  redis.call('HINCRBY', KEYS[4], 'jobs:failed', 1)
  redis.call('HINCRBY', KEYS[4], 'failures:dead-letter', 1)
  drop(KEYS[2], ARGV[4], ARGV[5])
  tell(KEYS[1], ARGV[3], ARGV[1])
  return 'dead'
end
redis.call('HSET', KEYS[1], 'state', 'running', 'worker', ARGV[6], 'started_at', time,
  'deliveries', times, 'progress', '0')
tell(KEYS[1], ARGV[3], ARGV[1])
return redis.call('HGETALL', KEYS[1])
"""
)

# KEYS job, stream; ARGV id, attempt, events, group, message, worker, progress.
PULSE = (
    _PRELUDE
    + """
local known = redis.call('HMGET', KEYS[1], 'state', 'attempt', 'progress')
if known[2] ~= ARGV[2] or known[1] ~= 'running' then return 'stopped' end
if not is_held(KEYS[2], ARGV[4], ARGV[5], ARGV[6]) then return 'lost' end
redis.call('XCLAIM', KEYS[2], ARGV[4], ARGV[6], 0, ARGV[5], 'JUSTID')
if tonumber(ARGV[7]) > tonumber(known[3]) then
  redis.call('HSET', KEYS[1], 'progress', ARGV[7])
  tell(KEYS[1], ARGV[3], ARGV[1])
end
return 'kept'
"""
)

# KEYS job, stream, counters, spent; ARGV id, attempt, events, group, message, state, error or '', spent
# upload or '', summary or '', counters in pairs.
FINISH = (
    _PRELUDE
    + """
local known = redis.call('HMGET', KEYS[1], 'state', 'attempt')
drop(KEYS[2], ARGV[4], ARGV[5])
if known[2] ~= ARGV[2] or known[1] ~= 'running' then return 'stopped' end
redis.call('HSET', KEYS[1], 'state', ARGV[6], 'finished_at', now())
if ARGV[6] == 'done' then redis.call('HSET', KEYS[1], 'progress', '1') end
if ARGV[7] ~= '' then redis.call('HSET', KEYS[1], 'error', ARGV[7]) end
redis.call('HINCRBY', KEYS[3], 'jobs:' .. ARGV[6], 1)
if ARGV[8] ~= '' then redis.call('SADD', KEYS[4], ARGV[8]) end
if ARGV[9] ~= '' then redis.call('HSET', KEYS[1], 'summary', ARGV[9]) end
for index = 10, #ARGV, 2 do redis.call('HINCRBYFLOAT', KEYS[3], ARGV[index], ARGV[index + 1]) end
tell(KEYS[1], ARGV[3], ARGV[1])
return 'finished'
"""
)

# KEYS job, stream; ARGV id, attempt, events, group, message, worker.
HAND_BACK = (
    _PRELUDE
    + """
local known = redis.call('HMGET', KEYS[1], 'state', 'attempt', 'message')
if known[2] ~= ARGV[2] or known[1] ~= 'running' or known[3] ~= ARGV[5] then return 'stopped' end
if not is_held(KEYS[2], ARGV[4], ARGV[5], ARGV[6]) then return 'lost' end
drop(KEYS[2], ARGV[4], ARGV[5])
local message = enqueue(KEYS[2], KEYS[1], ARGV[1], ARGV[2])
redis.call('HINCRBY', KEYS[1], 'deliveries', -1)
redis.call('HSET', KEYS[1], 'state', 'queued', 'progress', '0', 'message', message)
tell(KEYS[1], ARGV[3], ARGV[1])
return 'queued'
"""
)

# KEYS job, queue, counters; ARGV id, events, group.
CANCEL = (
    _PRELUDE
    + """
local known = redis.call('HMGET', KEYS[1], 'state', 'message')
if known[1] ~= 'queued' and known[1] ~= 'running' then return known[1] or 'missing' end
drop(stream_of(KEYS[2], KEYS[1]), ARGV[3], known[2])
redis.call('HSET', KEYS[1], 'state', 'cancelled', 'finished_at', now())
redis.call('HINCRBY', KEYS[3], 'jobs:cancelled', 1)
tell(KEYS[1], ARGV[2], ARGV[1])
return 'cancelled'
"""
)

# KEYS job; ARGV name of the field, its value. What is told of a delivery is no change of the job's own state.
NOTE = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
"""

# KEYS job, jobs, dead; ARGV id, events. Whose job it was can be asked of nobody after that.
REMOVE = (
    _PRELUDE
    + """
local known = redis.call('HMGET', KEYS[1], 'state', 'owner')
if known[1] == 'queued' or known[1] == 'running' then return known[1] end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('PUBLISH', ARGV[2], ARGV[1] .. ' removed ' .. (known[2] or ''))
return 'removed'
"""
)

# KEYS job, queue, jobs, dead; ARGV id, events, group, seconds that the record is still kept.
EXPIRE = (
    _PRELUDE
    + """
local known = redis.call('HMGET', KEYS[1], 'state', 'message')
if known[1] == 'running' then return 'running' end
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
if not known[1] or known[1] == 'expired' then return 'expired' end
drop(stream_of(KEYS[2], KEYS[1]), ARGV[3], known[2])
redis.call('HSET', KEYS[1], 'state', 'expired')
-- With it goes what is told of the result, and what is left of the patient's identity, wherever copies of the
-- store may be.
redis.call('HDEL', KEYS[1], 'seal_key', 'summary')
redis.call('EXPIRE', KEYS[1], ARGV[4])
tell(KEYS[1], ARGV[2], ARGV[1])
return 'expired'
"""
)
