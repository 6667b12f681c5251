-- How every script begins and ends. KEYS: records, orders, keys held. ARGV: the time ('' for the
-- server's own), what the caller knows of this ledger (epoch, acts) and who it is, and what is
-- said.
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

-- Records of another version are not read.
local function is_known(meta)
  if meta.version ~= STATE_VERSION then
    fail('version', { place = 'the ledger on Redis', found = meta.version, known = STATE_VERSION })
  end
end

-- Each who knows more finds the same loss: that makes the pause no longer. What was given before
-- it has begun by its end, and the sink knows of that: then it is asked for its calls of the day.
local function cool_down(budget)
  local left = META.cool_until - NOW
  if left <= 0 or left > COOL_DOWN then META.cool_until = NOW + COOL_DOWN end
  budget.recount = META.cool_until
end

-- Whether an exchange of that worker, which was answered, is not there any more.
local function is_behind(said)
  if not said.answered then return false end
  local worker = Store.get('w' .. said.worker)
  return not worker or worker.sequence < said.answered
end

-- Whether something was lost.
local function begin(said, known)
  WHO = known.who
  META = Store.get('m')
  if META then
    is_known(META)
  else
    -- Only what begins something begins a ledger: ids depend on the account's number.
    if said.base == 0 then fail('gone', {}) end
    META = { version = STATE_VERSION, epoch = known.fresh, acts = 0, last = said.base, named = 0,
             names = {}, cool_until = 0 }
  end
  local lost = false
  if known.epoch ~= '' and known.epoch ~= META.epoch then
    lost = true
  elseif known.epoch ~= '' and (known.acts > META.acts or is_behind(said)) then
    lost = true
    META.tails = (META.tails or 0) + 1
    -- Whoever comes next and knows as much as this caller is not to find a loss again.
    META.acts = max(META.acts, known.acts)
  end
  if lost then
    local budget = Budget.of()
    cool_down(budget)
    Budget.keep(budget)
  end
  META.acts = META.acts + 1
  Store.put('m', META)
  return lost
end

-- For scripts that only look: nothing is begun, nothing written.
local function look(verb)
  local went, answer = pcall(function()
    local meta = Store.get('m')
    if not meta then fail('gone', {}) end
    is_known(meta)
    return verb(cmsgpack.unpack(ARGV[3]))
  end)
  if went then
    answer.ok, answer.now = true, NOW
  elseif type(answer) ~= 'table' then
    answer = { kind = 'corrupt', why = tostring(answer) }
  end
  return cmsgpack.pack(answer)
end

local function run(verb)
  local known, said = cmsgpack.unpack(ARGV[2]), cmsgpack.unpack(ARGV[3])
  local lost
  local went, answer = pcall(function()
    lost = begin(said, known)
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
