-- Where accounts, lanes and runs are found. KEYS: accounts, lanes, runs. ARGV: an account, a lane
-- or '', a run or ''. Gives the account its number, and tells it.

local number = redis.call('HGET', KEYS[1], ARGV[1])
if not number then
  number = redis.call('HLEN', KEYS[1]) + 1
  redis.call('HSET', KEYS[1], ARGV[1], number)
end
if ARGV[2] ~= '' then redis.call('HSET', KEYS[2], ARGV[2], ARGV[1]) end
if ARGV[3] ~= '' then redis.call('HSETNX', KEYS[3], ARGV[3], ARGV[1]) end
return tonumber(number)
