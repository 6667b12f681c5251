-- What all scripts share: numbers as bytes, and errors that change nothing.
--
-- Steps, levels and indices are counted from 0 on the wire and in records, from 1 in Lua's lists.
-- Hashes, nonces and keys are strings of 8 bytes: a number of Lua holds 53 bits.

local call = redis.call
local DAY = 86400000
local floor, min, max = math.floor, math.min, math.max

local function be(width, number)
  return struct.pack('>I' .. width, number)
end

local function id7(id)
  return struct.pack('>I7', id)
end

-- Ends the script with nothing written.
local function fail(kind, fields)
  fields.kind = kind
  error(fields, 0)
end

local function damaged(why)
  fail('corrupt', { why = why })
end

local function text(number)
  return string.format('%.0f', number)
end

local function day_of(ms)
  return floor(ms / DAY)
end

local function next_day(ms)
  return (day_of(ms) + 1) * DAY
end
