-- Leasing: what may start now, with its permit, in the same act. Order and rules are those of
-- `watershed_ledger::decide::lease`.

local Take = {}
do
  local TOKEN_OLD, SUSPECT_WAIT, LOOK_AGAIN, TOGETHER = 5 * 60000, 2000, 1000, 5000
  local SUSPECT_LOST, LOST_MAX, DUE_MAX, LAST = 3, 6, 256, 64
  local CATEGORIES = { 'resource_intensive', 'heavy', 'medium', 'light', false }

  local function ask(t, at)
    t.ask_again_at = min(t.ask_again_at or at, at)
  end

  local function start(t)
    return t.now + t.want.lead_ms
  end

  local function free_slot(t)
    return { t.now, t.now + t.want.lease_ms, 0 }
  end

  -- What a call of that step asks of the budget; nil where no limit counts it.
  local function claim_of(t, ground, id, under_way)
    local step = Ground.step(ground, id)
    if not step.category then return nil end
    local claim = { category = t.budget.labels[step.operation] or step.category,
                    event = ground.run.trigger == 'event', leave = 0 }
    local left, of = Budget.left_today(t.budget, claim.category, t.now)
    if left and left <= LAST and not under_way then
      local open = #Store.first(Order.aging_prefix(ground, step.category), LAST)
      local tally = Ground.tally(ground, id)
      local to_come = floor(tally.pages / max(tally.done, 1))
      claim.leave = min(open + to_come, floor(of / 2))
    end
    return claim
  end

  local function permit(t, claim)
    if not claim then return free_slot(t) end
    local slot, at = Budget.permit(t.budget, claim, start(t), t.want.horizon_ms)
    if not slot then ask(t, at - t.want.lead_ms) end
    return slot
  end

  local function keep(t, ground, of, id, from, many, category, slots)
    local lease = Lease.new(ground, t.exchange, of, id, from, many, category, slots, t.now)
    t.left = max(0, t.left - many)
    t.leases[#t.leases + 1] = lease
    return lease
  end

  local function take_task(t, ground, task, category, slot)
    task.leased = true
    Task.put(ground, task, false)
    local tally = Ground.tally(ground, task.step)
    tally.leased = tally.leased + 1
    return keep(t, ground, 't', task.id, 0, 1, category, { slot })
  end

  -- What must be leased together with a task that was taken from that head: those that follow it,
  -- given back as it was. Each has a permit of its own, that may lie further ahead.
  local function bound_tasks(t, ground, head, claim)
    local rank = head[4][1]
    while true do
      local next = Store.first(head[1], 1)[1]
      if not next or next[1] ~= rank or next[3] ~= 't' then return end
      local task = Task.load(next[2])
      if not task.bound then return end
      local slot = free_slot(t)
      if claim then slot = Budget.permit(t.budget, claim, start(t), TOGETHER) end
      if not slot then return end
      take_task(t, ground, task, claim and claim.category, slot)
    end
  end

  -- Takes a range of a chunk, as far as permits reach; whether there is more, and the claim.
  local function take_range(t, ground, id, most)
    local chunk = Chunk.load(id)
    local wanted = min(chunk.len - chunk.next, most)
    local claim
    if not Order.needs_no_call(chunk) then claim = claim_of(t, ground, chunk.step, false) end
    local slots, many, more, items = {}, 0, true, nil
    if not claim then slots[1] = free_slot(t) end
    while true do
      -- One permit serves all that belong together, however many were asked for.
      local bound = many > 0 and Chunk.bound(items, chunk.next + many)
      if not bound and many >= wanted then break end
      if claim then
        local slot = bound and slots[many] or permit(t, claim)
        if not slot then
          more = false
          break
        end
        slots[many + 1] = slot
      end
      many = many + 1
      items = items or Chunk.items(id)
    end
    if many == 0 then return false, claim end
    local from = chunk.next
    chunk.next = chunk.next + many
    Chunk.put(ground, chunk)
    local tally = Ground.tally(ground, chunk.step)
    tally.leased = tally.leased + many
    keep(t, ground, 'c', id, from, many, claim and claim.category, slots)
    return more, claim
  end

  local function heads_of(ground, category)
    local heads = {}
    for i, queue in ipairs(Order.queues(ground, category)) do
      heads[i] = { queue[1], queue[2], queue[3], Store.first(queue[1], 1)[1] or false }
    end
    return heads
  end

  -- The foremost head that nothing bars; `barred` is told of what stands before it and is.
  local function foremost(ground, budget, heads, now, barred)
    local scarce = Scarce.of(ground, budget, now)
    local best
    for _, head in ipairs(heads) do
      local at, known = head[4], best and best[4]
      local before = at and known and (known[1] < at[1] or (known[1] == at[1] and known[2] < at[2]))
      if at and not before then
        local bars, till = Scarce.bar(scarce, head[2], head[3], Order.month_of(at[1]))
        if bars then barred(till) else best = head end
      end
    end
    return best
  end

  -- Whether what it brings are further items: without memory left, none of those is begun.
  local function adds(ground, kind, id)
    local step = (kind == 't' and Task.load(id) or Chunk.load(id)).step
    return #Ground.step(ground, step).feeds > 0
  end

  local function leaves(claim)
    return claim and claim.leave > 0
  end

  -- Takes up to so many tasks of a category; whether there is more.
  local function category(t, ground, name, most)
    local goal = max(0, t.left - most)
    local old, last_calls = t.now - TOKEN_OLD, false
    local heads = heads_of(ground, name)
    local leased = Ground.leased(ground) > 0
    local function barred(till)
      if leased or Ground.leased(ground) > 0 then ask(t, t.now + LOOK_AGAIN) end
      if till then ask(t, till - t.want.lead_ms) end
    end
    while t.left > goal do
      local aging = Store.first(Order.aging_prefix(ground, name), 1)[1]
      local head, kind, id
      if aging and aging[1] <= old then
        kind, id = 't', aging[2]
      elseif last_calls then
        return false
      else
        head = foremost(ground, t.budget, heads, start(t), barred)
        if not head then return false end
        kind, id = head[4][3], head[4][2]
      end
      if TIGHT and adds(ground, kind, id) then
        ask(t, t.now + LOOK_AGAIN)
        return false
      end
      local refused = false
      if kind == 't' then
        local task = Task.load(id)
        local claim = claim_of(t, ground, task.step, task.checkpoint and true or false)
        local slot = permit(t, claim)
        if slot then
          take_task(t, ground, task, claim and claim.category, slot)
          if head then bound_tasks(t, ground, head, claim) end
        else
          if last_calls or not leaves(claim) then return false end
          refused = true
        end
      else
        local more, claim = take_range(t, ground, id, t.left - goal)
        if not more then
          if last_calls or not leaves(claim) then return false end
          last_calls, old = true, math.huge
        end
      end
      if refused then
        last_calls, old = true, math.huge
      elseif head then
        head[4] = Store.first(head[1], 1)[1] or false
      else
        heads = heads_of(ground, name)
      end
    end
    return true
  end

  -- Tasks of the run that lost so many leases in a row, at most so many.
  local function lost(ground, from, most)
    local found = Store.first('p' .. be(4, ground.run.number), most, from)
    for i, member in ipairs(found) do found[i] = member[2] end
    return found
  end

  -- Where the run has a suspect: takes it, if the worker has nothing else; then, or until the
  -- worker has nothing else, takes nothing more.
  local function suspect(t, ground)
    local id = t.left > 0 and lost(ground, SUSPECT_LOST, 1)[1]
    if not id then return end
    local task = Task.load(id)
    if task.due_at > t.now or TIGHT then return end
    local claim = claim_of(t, ground, task.step, task.checkpoint and true or false)
    if claim then
      local slot, at = Budget.permit(t.budget, claim, start(t), t.want.horizon_ms, true)
      if not slot then
        ask(t, at - t.want.lead_ms)
        if at - t.now < SUSPECT_WAIT then t.left = 0 end
        return
      end
    end
    if #t.leases == 0 and t.worker.held == 0 then
      local slot = permit(t, claim) or free_slot(t)
      t.alone = take_task(t, ground, task, claim and claim.category, slot).id
    end
    t.left = 0
  end

  local function may_start(t, name)
    if not name then return t.now + LOOK_AGAIN end
    local claim = { category = name, event = false, leave = 0 }
    local slot, at = Budget.permit(t.budget, claim, start(t), t.want.horizon_ms, true)
    if slot then return t.now + LOOK_AGAIN end
    return at - t.want.lead_ms
  end

  -- Whether anything of a category may be ready. What needs no call stands with what no budget
  -- counts, whatever its step.
  local function may_have(ground, name)
    for i, step in ipairs(ground.plan.steps) do
      local tally = ground.counts.steps[i]
      if tally.open > tally.leased and (not name or step.category == name) then return true end
    end
    return false
  end

  local function serve(t, ground)
    if t.left == 0 then return end
    if lost(ground, SUSPECT_LOST, 1)[1] then
      for _, id in ipairs(lost(ground, LOST_MAX, t.left)) do
        take_task(t, ground, Task.load(id), nil, free_slot(t))
      end
      suspect(t, ground)
    end
    local turn = CATEGORIES
    while t.left > 0 and #turn > 0 do
      local again = {}
      for at, name in ipairs(turn) do
        local fair = math.ceil(t.left / (#turn - at + 1))
        local more = may_have(ground, name) and category(t, ground, name or nil, fair)
        if more then again[#again + 1] = name end
      end
      turn = again
    end
    -- The worker has no slot left for what these have: it asks when it has, and a permit is there.
    for _, name in ipairs(turn) do
      local heads = heads_of(ground, name or nil)
      if foremost(ground, t.budget, heads, start(t), function() end) then
        ask(t, may_start(t, name or nil))
      end
    end
  end

  -- Delayed tasks that are due become ready.
  local function wake(ground, now)
    local run = be(4, ground.run.number)
    local due = Store.first('d' .. run, DUE_MAX)
    for _, member in ipairs(Store.first('n' .. run, DUE_MAX)) do due[#due + 1] = member end
    table.sort(due, function(a, b)
      if a[1] ~= b[1] then return a[1] < b[1] end
      return a[2] < b[2]
    end)
    for at = 1, min(#due, DUE_MAX) do
      if due[at][1] > now then break end
      Task.put(ground, Task.load(due[at][2]), true)
    end
  end

  -- When the first delayed task of a run is due.
  local function first_due(ground)
    local run = be(4, ground.run.number)
    local retry, not_yet = Store.first('d' .. run, 1)[1], Store.first('n' .. run, 1)[1]
    if retry and not_yet then return min(retry[1], not_yet[1]) end
    return retry and retry[1] or not_yet and not_yet[1]
  end

  -- The lease of a suspect that the worker has not brought to an end.
  local function still_alone(t)
    local lease = t.worker.alone and Lease.load(t.worker.alone)
    return lease and lease.worker == t.exchange.worker and lease.id or nil
  end

  -- Leases of these runs; {leases, ask_again_at, alone}.
  function Take.all(exchange, worker, live, now)
    local t = { exchange = exchange, want = exchange, worker = worker, now = now,
                left = exchange.tasks, leases = {}, budget = Budget.of() }
    t.alone = still_alone(t)
    if t.alone then t.left = 0 end
    local leased = false
    for _, ground in ipairs(live) do
      if ground.run.state == 'running' then
        wake(ground, now)
        serve(t, ground)
        if t.left == 0 then ask(t, now + LOOK_AGAIN) end
        local due = first_due(ground)
        if due then ask(t, due) end
      elseif ground.run.state == 'cancelling' and #Runs.open_work(ground, 1) > 0 then
        ask(t, now)
      end
      leased = leased or Ground.leased(ground) > 0
    end
    local first = leased and Store.first('u', 1)[1]
    if first then ask(t, first[1]) end
    Budget.keep(t.budget)
    t.ask_again_at = t.ask_again_at and max(t.ask_again_at, now)
    return t
  end
end
