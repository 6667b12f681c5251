-- Settling: the one act that moves a checkpoint, adds children and closes an item. A settle whose
-- fence is not the worker's changes nothing. On the wire a list, read by these places; one may
-- stand for many that differ in their index alone, and bring nothing.

local Settle = {}
do
  local LEASE, NONCE, INDEX, MANY, CALLS, REPEATS, LEAST, THROTTLE, HEARD, KIND = 1, 2, 3, 4, 5, 6, 7,
    8, 9, 10
  -- Children, and what is the kind's own: how it ended; the checkpoint; when it is due.
  local BROODS, OWN, COUNTS = 11, 12, 13

  -- The lease of a fence that is good now, or nil.
  local function good(entry, index, worker)
    local lease = Lease.load(entry[LEASE])
    local fits = lease and lease.worker == worker and lease.nonce == entry[NONCE]
    return fits and lease.open[index + 1] and lease or nil
  end

  -- Refuses children that the plan has no place for.
  function Settle.check(entries, worker)
    for _, entry in ipairs(entries) do
      local broods = entry[BROODS]
      local lease = broods and #broods > 0 and good(entry, entry[INDEX], worker)
      if lease then
        local ground = Ground.of(lease.run)
        local level = Fold.load(Lease.scope(lease)).level
        local fits = ground.fits[level] or {}
        ground.fits[level] = fits
        for _, brood in ipairs(broods) do
          local why = Spawn.misfit(ground.plan, level, brood[2], fits)
          if why then fail('illegal', { command = 'exchange', run = lease.run, why = why }) end
        end
      end
    end
  end

  local function count(counts, name, more)
    counts[name] = (counts[name] or 0) + more
  end

  local function count_calls(ground, lease, entry, many)
    local counts = ground.counts
    -- Who lost the lease may have made its call: it counts as spent, since nobody knows better.
    local calls = entry[CALLS] + (entry[REPEATS] == 'lost_lease' and 1 or 0)
    if calls * many > 0 then count(counts.calls, lease.category or 'none', calls * many) end
    counts.least = counts.least + entry[LEAST] * many
    if entry[REPEATS] and many > 0 then count(counts.repeated, entry[REPEATS], many) end
    if entry[THROTTLE] then
      count(counts.throttled, entry[THROTTLE].daily and 'daily' or 'per_second', 1)
    end
  end

  -- What the settle says to the account's budget.
  local function account(ground, lease, entry, index, step, now)
    local unused = entry[CALLS] == 0 and lease.category and not Lease.shares(lease, index)
    if not unused and not entry[THROTTLE] and not entry[HEARD] then return end
    local budget = Budget.of()
    local slot = Lease.slot(lease, index)
    if unused then Budget.give_back(budget, lease.category, slot[1], now) end
    if entry[HEARD] then
      step = Ground.step(ground, step)
      Budget.hear(budget, step.operation, step.category or nil, entry[HEARD], slot, now)
    end
    if entry[THROTTLE] then Budget.throttle(budget, entry[THROTTLE], now) end
    Budget.keep(budget)
  end

  -- Adds the children of records that the listing has not brought before; gives their keys.
  local function children(ground, task, broods, now)
    local new, kins = {}, {}
    if #broods == 0 then return new end
    local seen, brought = {}, Brought.asked(task)
    for _, brood in ipairs(broods) do
      local key = brood[1]
      if not seen[key] and not brought(key) then
        seen[key] = true
        new[#new + 1] = key
        for _, kin in ipairs(brood[2]) do kins[#kins + 1] = kin end
      end
    end
    if ground.run.state ~= 'cancelling' then Spawn.kin(ground, task.scope, kins, now) end
    return new
  end

  local function close(ground, lease, task, now)
    if lease.of == 'c' then return Lease.leave_chunk(ground, lease.what, now) end
    Task.delete(task)
    Lease.close_task_unit(ground, task.scope, task.step, now)
  end

  local outcomes = {}

  function outcomes.more(ground, lease, task, entry, now)
    local new = children(ground, task, entry[BROODS], now)
    local tally = Ground.tally(ground, task.step)
    tally.pages = tally.pages + 1
    task.checkpoint = entry[OWN]
    task.lost, task.attempts, task.not_yet = 0, 0, false
    Lease.keep_open(ground, lease, task, now, now)
    if #new > 0 then
      Brought.add(task, new)
      Task.keep(task)
    end
  end

  function outcomes.closed(ground, lease, task, entry, now)
    children(ground, task, entry[BROODS], now)
    local tally = Ground.close_item(ground, task.step, task.bucket)
    local how = entry[OWN]
    tally[how] = tally[how] + 1
    Judge.item(ground, task.step, false, now)
    Spawn.free_once(ground, task.step, task.once)
    close(ground, lease, task, now)
  end

  function outcomes.failed(ground, lease, task, entry, now)
    local tally = Ground.close_item(ground, task.step, task.bucket)
    tally.failed = tally.failed + 1
    Fold.count_failure(task.scope, task.step)
    Spawn.bury_once(ground, task.step, task.once)
    -- Before it closes: the last item's dead letter fails the run, not completes it.
    Judge.item(ground, task.step, true, now)
    close(ground, lease, task, now)
  end

  outcomes['retry'] = function(ground, lease, task, entry, now)
    task.lost, task.not_yet = 0, false
    if entry[COUNTS] then task.attempts = min(task.attempts + 1, 65535) end
    Lease.keep_open(ground, lease, task, entry[OWN], now)
  end

  function outcomes.not_yet(ground, lease, task, entry, now)
    task.lost, task.checkpoint, task.not_yet = 0, false, true
    Lease.keep_open(ground, lease, task, entry[OWN], now)
  end

  function outcomes.restart(ground, lease, task, entry, now)
    task.lost, task.checkpoint = 0, false
    task.restarts = min(task.restarts + 1, 65535)
    Lease.keep_open(ground, lease, task, now, now)
  end

  function outcomes.released(ground, lease, task, entry, now)
    Lease.keep_open(ground, lease, task, now, now)
  end

  -- Carries a settle out, of that index; whether it was accepted.
  local function one(entry, index, worker, now)
    local lease = good(entry, index, worker)
    if not lease then return false end
    local ground = Ground.of(lease.run)
    count_calls(ground, lease, entry, 1)
    local kind = entry[KIND]
    local closes = kind == 'closed' or kind == 'failed'
    local task
    if closes then task = Lease.closing(lease, index) else task = Lease.task(ground, lease, index) end
    account(ground, lease, entry, index, task.step, now)
    lease.open[index + 1] = false
    lease.left = lease.left - 1
    Ground.give_up(ground, task.step)
    outcomes[kind](ground, lease, task, entry, now)
    if lease.left == 0 then Lease.delete(lease) else Lease.keep(lease) end
    return true
  end

  -- Items of a chunk's lease that are done and brought nothing, as one after another; how many.
  -- Nil where one of them is the one at which the step is judged.
  local function many(entry, lease, now)
    local from, to = entry[INDEX] + 1, entry[INDEX] + entry[MANY]
    local open, done = lease.open, 0
    for at = from, to do
      if open[at] then done = done + 1 end
    end
    local ground, chunk = Ground.of(lease.run), Chunk.load(lease.what)
    if Judge.is_near(ground, chunk.step, done) then return nil end
    local items = Chunk.items(chunk.id)
    for at = from, to do
      if open[at] and #items.keys > 0 then
        Spawn.free_once(ground, chunk.step, Chunk.key(items, lease.from + at - 1))
      end
    end
    count_calls(ground, lease, entry, done)
    local tally = Ground.close_item(ground, chunk.step, chunk.bucket, done)
    tally.leased = max(0, tally.leased - done)
    tally[entry[OWN]] = tally[entry[OWN]] + done
    Lease.leave_chunk(ground, chunk.id, now, done)
    lease.left = lease.left - done
    return done
  end

  -- Carries an entry out; adds to `settled`, for each of its indices, whether it was accepted.
  function Settle.all(entry, worker, now, settled)
    local lease = entry[MANY] > 1 and Lease.load(entry[LEASE])
    local whole = lease and lease.of == 'c' and entry[CALLS] > 0 and lease.worker == worker
      and lease.nonce == entry[NONCE] and many(entry, lease, now)
    for index = entry[INDEX], entry[INDEX] + entry[MANY] - 1 do
      if whole then
        settled[#settled + 1] = lease.open[index + 1] or false
        lease.open[index + 1] = lease.open[index + 1] ~= nil and false
      else
        settled[#settled + 1] = one(entry, index, worker, now)
      end
    end
    if not whole then return end
    if lease.left == 0 then Lease.delete(lease) else Lease.keep(lease) end
  end
end
