-- How every script begins and ends. KEYS: records, orders, keys held. ARGV: the time ('' for the
-- server's own), what the caller knows of this ledger (epoch, acts) and who it is, and what is said.
--
-- The answer is {ok, epoch, acts, lost, …} or {kind, …} of an error; an error changes nothing.

local NOW
local META
local WHO

do
  local given = ARGV[1]
  if given == '' then
    local time = call('TIME')
    NOW = tonumber(time[1]) * 1000 + floor(tonumber(time[2]) / 1000)
  else
    NOW = tonumber(given)
  end
end

-- After a loss nothing is leased for so long: what was given before it was given in a second
-- that is past then.
local COOL_DOWN = 2000

local function begin(said)
  local known = cmsgpack.unpack(ARGV[2])
  WHO = known.who
  META = Store.get('m')
  if not META then
    -- Only what begins something begins a ledger: ids depend on the account's number.
    if said.base == 0 then fail('gone', {}) end
    META = { version = STATE_VERSION, epoch = known.fresh, acts = 0, last = said.base, named = 0,
             names = {}, cool_until = 0 }
  elseif META.version ~= STATE_VERSION then
    fail('version', { place = 'the ledger on Redis', found = META.version, known = STATE_VERSION })
  end
  local lost = known.epoch ~= '' and (known.epoch ~= META.epoch or known.acts > META.acts)
  if lost then
    -- Each who knows more finds the same loss: that makes the pause no longer.
    local left = META.cool_until - NOW
    if left <= 0 or left > COOL_DOWN then META.cool_until = NOW + COOL_DOWN end
    -- Whoever comes next and knows as much as this caller is not to find a loss again.
    if known.epoch == META.epoch then META.acts = known.acts end
  end
  META.acts = META.acts + 1
  Store.put('m', META)
  return lost
end

local function run(verb)
  local said = cmsgpack.unpack(ARGV[3])
  local lost
  local went, answer = pcall(function()
    lost = begin(said)
    return verb(said)
  end)
  if not went then
    if type(answer) ~= 'table' then answer = { kind = 'corrupt', why = tostring(answer) } end
    return cmsgpack.pack(answer)
  end
  answer.ok, answer.epoch, answer.acts, answer.lost, answer.now =
    true, META.epoch, META.acts, lost, NOW
  local packed = cmsgpack.pack(answer)
  Chunk.settle_all()
  -- A hint, with who gives it. It may be forbidden; all is written by then.
  if Store.flush() or answer.wake then redis.pcall('PUBLISH', KEYS[4], WHO) end
  return packed
end
