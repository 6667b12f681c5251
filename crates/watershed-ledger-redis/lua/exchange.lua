-- Settles what is done, then takes back what was lost or ran out, drops some of what is cancelled,
-- and leases what may start: one act. A repeat of the worker's last one gets the same answer. One
-- whose settles bring more children than a script should add comes in parts, the leases with the
-- last.

local RUN_OUT_MAX = 64

-- Since when the sink is asked for the calls of the day, once all that began before is there.
local function recount()
  local at = Budget.of().recount
  local is_early = at and at > NOW and at - NOW <= COOL_DOWN
  return not is_early and at or nil
end

local function repeated(said, last)
  local settled, leases = {}, {}
  for i = 1, said.many do settled[i] = last.settled[said.from + i] or false end
  if not said.last then return { settled = settled, leases = {}, ended = {} } end
  for _, id in ipairs(last.leases) do
    local lease = Lease.load(id)
    if lease and lease.worker == said.worker then leases[#leases + 1] = Lease.show(lease) end
  end
  return { settled = settled, leases = leases, ask_again_at = last.ask_again_at,
           ended = last.ended, days = Budget.today(Budget.of(), NOW), recount = recount() }
end

local function run_out()
  local tasks = 0
  for _, member in ipairs(Store.first('u', RUN_OUT_MAX)) do
    if member[1] > NOW or tasks >= RUN_OUT_MAX then break end
    tasks = tasks + Lease.take_back(Lease.load(member[2]), NOW)
  end
end

-- Forgets workers that held nothing for 30 days, some in a script: when one comes, and now and
-- then. `W` has the names of all, those longest not looked at first.
local GONE, LOOKED_AT, NOW_AND_THEN = 2592000000, 8, 64

local function forget_workers(said, is_new)
  if not is_new and META.acts % NOW_AND_THEN ~= 0 then return end
  local names = Store.get('W') or {}
  local gone, kept = NOW - GONE, {}
  for at = LOOKED_AT + 1, #names do kept[#kept + 1] = names[at] end
  for at = 1, min(LOOKED_AT, #names) do
    local name = names[at]
    local record = Store.get('w' .. name)
    if record and (name == said.worker or record.held > 0 or record.seen > gone) then
      kept[#kept + 1] = name
    elseif record then
      Store.forget('w' .. name)
    end
  end
  if is_new then kept[#kept + 1] = said.worker end
  Store.put('W', kept)
end

-- The worker's record as this exchange begins, or goes on.
local function begun(said, worker)
  if not worker or worker.sequence < said.sequence then
    worker = worker or { held = 0 }
    worker.sequence, worker.settled, worker.leases, worker.ended = said.sequence, {}, {}, {}
    worker.ask_again_at = false
  end
  worker.part = said.part
  Store.put('w' .. said.worker, worker)
  return worker
end

-- After a lost tail each worker that asks for work says once what it still holds.
local function give_back_lost(said, worker)
  if not said.held or #said.lanes == 0 or worker.tails == META.tails then return end
  Lease.give_back_all_but(said.held, said.worker, NOW)
  worker.tails = META.tails
end

local function settle(said, worker)
  Settle.check(said.settles, said.worker)
  local settled, all = {}, worker.settled
  while #all < said.from do all[#all + 1] = false end
  for _, entry in ipairs(said.settles) do Settle.all(entry, said.worker, NOW, settled) end
  for i, accepted in ipairs(settled) do all[said.from + i] = accepted end
  return settled
end

-- Leases of these lanes, as they are shown; and when it is worth asking again.
local function lease(said, worker, lanes)
  give_back_lost(said, worker)
  run_out()
  local live = Ground.live(lanes)
  for _, ground in ipairs(live) do Runs.sweep(ground, NOW) end
  if NOW < META.cool_until and META.cool_until - NOW <= COOL_DOWN then said.tasks = 0 end
  local taken = Take.all(said, worker, live, NOW)
  local leases, ids = {}, {}
  for i, lease in ipairs(taken.leases) do
    leases[i], ids[i] = Lease.show(lease), lease.id
  end
  local again = taken.ask_again_at or false
  if again and said.tasks == 0 and NOW < META.cool_until then
    again = max(again, META.cool_until)
  end
  worker.leases, worker.ask_again_at, worker.alone = ids, again, taken.alone or false
  return leases, again
end

return run(function(said)
  local worker = Store.get('w' .. said.worker)
  if worker and worker.sequence == said.sequence and (worker.part or 0) >= said.part then
    return repeated(said, worker)
  end
  if worker and worker.sequence > said.sequence then
    local stale = {}
    for i = 1, said.many do stale[i] = false end
    return { settled = stale, leases = {}, ended = {} }
  end
  local is_new = not worker
  worker = begun(said, worker)
  local lanes = {}
  for _, lane in ipairs(said.lanes) do lanes[lane] = true end
  local settled, leases, again = settle(said, worker), {}, false
  if said.last then leases, again = lease(said, worker, lanes) end
  for _, run in ipairs(Ground.keep(lanes)) do worker.ended[#worker.ended + 1] = run end
  worker.seen = NOW
  forget_workers(said, is_new)
  return { settled = settled, leases = leases, ask_again_at = again,
           ended = said.last and worker.ended or {},
           days = said.last and Budget.today(Budget.of(), NOW) or {},
           recount = said.last and recount() or nil }
end)
