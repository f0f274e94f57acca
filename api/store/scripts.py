"""Scripts that run inside the store, where check and write are one step."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Script:
    """A Lua script and the digest by which the store knows it."""

    text: str

    @cached_property
    def digest(self) -> str:
        """SHA-1 in hex, as ``EVALSHA`` wants it."""
        return hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()


TAKE_LEASE = Script("""
local held = redis.call('GET', KEYS[1])
if held and (ARGV[3] == '' or held:sub(1, #ARGV[3]) ~= ARGV[3]) then return false end
local epoch = redis.call('INCR', KEYS[2])
redis.call('SET', KEYS[1], ARGV[1] .. ':' .. epoch, 'PX', ARGV[2])
return epoch
""")
"""Keys: lease, epoch. Arguments: controller, time to live in ms, with what the names of controllers
begin that have ended for certain. Answers the epoch or nothing."""

HOLD_LEASE = Script("""
local held = redis.call('GET', KEYS[1])
if held == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  return 1
end
if held or redis.call('GET', KEYS[2]) ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
return 2
""")
"""Keys: lease, epoch. Arguments: the lease's value, its epoch, time to live in ms. Answers 1 if it
is still held, 2 if it had run out and nobody has taken office since, 0 if somebody has."""

DROP_LEASE = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', unpack(KEYS))
""")
"""Keys: lease, and the trail if it is to go. Arguments: the lease's value."""

DECLARE_LOST = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if redis.call('GET', KEYS[2]) == ARGV[2] then return 1 end
redis.call('XADD', KEYS[3], '*', ARGV[3], ARGV[4], ARGV[5], ARGV[6])
return 1
""")
"""Keys: lease, heartbeat, stream. Arguments: the lease's value, the incarnation that was missed,
two stream fields and values. Nothing is said of an agent that is back. Answers 1 if the lease is
held."""

KEEP_TIME = Script("""
if (redis.call('GET', KEYS[1]) or '0') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
""")
"""Keys: clock. Arguments: its offset as it was read, and the new one. 0 if somebody was first."""

COMMIT = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local at = 2
for k = 2, #KEYS do
  local count = tonumber(ARGV[at + 1])
  redis.call(ARGV[at], KEYS[k], unpack(ARGV, at + 2, at + 1 + count))
  at = at + 2 + count
end
return 1
""")
"""Keys: lease, then one per command. Arguments: the lease's value, then per command its name, the
number of its arguments after the key, and those. Answers 1 if the lease is held and all is done."""

PUT_NEW = Script("""
local held = redis.call('HGET', KEYS[1], ARGV[1])
if held == ARGV[2] then return 1 end
if held then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('XADD', KEYS[2], '*', ARGV[3], ARGV[4], ARGV[5], ARGV[6])
return 1
""")
"""Keys: hash, stream. Arguments: hash field and value, two stream fields and values. Answers 0 if
the field holds another value; the same value is the second try of a caller that lost the answer."""

CHANGE = Script("""
local held = redis.call('HGET', KEYS[1], ARGV[1])
if not held or not string.find(held, ARGV[7], 1, true) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('XADD', KEYS[2], '*', ARGV[3], ARGV[4], ARGV[5], ARGV[6])
return 1
""")
"""Keys: hash, stream. Arguments: hash field and value, two stream fields and values, a text that
the value of before holds. Answers 0 if the field is gone, or holds a value without the text."""

REMOVE = Script("""
if redis.call('HDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('XADD', KEYS[2], '*', ARGV[2], ARGV[3], ARGV[4], ARGV[5])
return 1
""")
"""Keys: hash, stream. Arguments: hash field, two stream fields and values. 0 if it was gone."""

SUBMIT = Script("""
if redis.call('HEXISTS', KEYS[1], 'record') == 1 then return 0 end
for k = 4, 5 do
  if redis.call('SCARD', KEYS[k]) >= tonumber(ARGV[k + 4]) then return 3 - k end
end
redis.call('HSET', KEYS[1], 'record', ARGV[1])
redis.call('ZADD', KEYS[2], 'NX', ARGV[2], ARGV[3])
redis.call('XADD', KEYS[3], '*', ARGV[4], ARGV[5], ARGV[6], ARGV[7])
redis.call('SADD', KEYS[4], ARGV[3])
redis.call('SADD', KEYS[5], ARGV[3])
return 1
""")
"""Keys: run, runs, stream, open runs, those of its workload. Arguments: record, score and member,
two stream fields and values, limits of the two sets. Answers 1 if it is done, 0 if it was before,
-1 or -2 if the first or the second set is full; then nothing is written."""
