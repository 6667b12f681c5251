-- Runs: their plans as far as the rules need them, their records, their counts.

local Ground = {}
do
  local grounds = {}

  function Ground.step(ground, id)
    return ground.plan.steps[id + 1]
  end

  function Ground.tally(ground, id)
    return ground.counts.steps[id + 1]
  end

  local function plan_of(hash, run)
    local plan = Store.get('P' .. hash)
    if not plan then damaged('the plan of run ' .. run .. ' is missing') end
    return plan
  end

  local function loaded(run)
    local plan = plan_of(run.plan_hash, run.run)
    local counts = Store.get('k' .. be(4, run.number))
    if not counts then damaged('the counts of run ' .. run.run .. ' are missing') end
    return { run = run, plan = plan, counts = counts, was_over = Ground.ended(run), fits = {} }
  end

  function Ground.ended(run)
    return run.state == 'complete' or run.state == 'failed' or run.state == 'cancelled'
  end

  -- The run of that id, its plan known to this program.
  function Ground.of(id)
    local ground = grounds[id]
    if not ground then
      local run = Store.get('r' .. id)
      if not run then fail('no_run', { run = id }) end
      ground = loaded(run)
      if ground.plan.format ~= PLAN_FORMAT then
        fail('version', { place = 'the plan of run ' .. id, found = ground.plan.format,
                          known = PLAN_FORMAT })
      end
      grounds[id] = ground
    end
    return ground
  end

  -- A run that begins.
  function Ground.begin(run, plan)
    local steps = {}
    for i = 1, #plan.steps do
      steps[i] = { known = 0, done = 0, skipped = 0, unavailable = 0, waiting = 0, failed = 0,
                   open = 0, pages = 0, leased = 0, months = {} }
    end
    local counts = { steps = steps, calls = {}, least = 0, repeated = {}, throttled = {} }
    local ground = { run = run, plan = plan, counts = counts, was_over = false, fits = {} }
    grounds[run.run] = ground
    return ground
  end

  -- Keeps what has changed of all runs; those that ended, by their lanes.
  function Ground.keep(lanes)
    local over = {}
    for id, ground in pairs(grounds) do
      Store.put('r' .. id, ground.run)
      Store.put('k' .. be(4, ground.run.number), ground.counts)
      if lanes and Ground.ended(ground.run) and not ground.was_over
        and lanes[ground.run.connection]
      then
        over[#over + 1] = id
      end
    end
    return over
  end

  -- The runs of these lanes that are running or being cancelled, in the order in which they are
  -- served: by class, then as submitted.
  function Ground.live(lanes)
    local live = {}
    for lane in pairs(lanes) do
      for id in pairs(Store.get('L' .. lane) or {}) do
        local run = Store.get('r' .. id)
        if run and plan_of(run.plan_hash, id).format == PLAN_FORMAT then
          live[#live + 1] = Ground.of(id)
        end
      end
    end
    table.sort(live, function(a, b)
      a, b = a.run, b.run
      if a.class ~= b.class then return a.class < b.class end
      if a.submitted_at ~= b.submitted_at then return a.submitted_at < b.submitted_at end
      return a.number < b.number
    end)
    return live
  end

  -- The state of a run changes: only one that is running or being cancelled is served.
  function Ground.turn(ground, state)
    local run = ground.run
    run.state = state
    local field = 'L' .. run.connection
    local lane = Store.get(field) or {}
    lane[run.run] = (state == 'running' or state == 'cancelling') and true or nil
    if next(lane) then Store.put(field, lane) else Store.forget(field) end
  end

  -- One open item of a step and month more, or so many.
  function Ground.open_item(ground, step, month, many)
    local tally = Ground.tally(ground, step)
    many = many or 1
    tally.open = tally.open + many
    if month > 0 and Ground.step(ground, step).newest then
      local months = tally.months
      local at = 1
      while months[at] and months[at] < month do at = at + 2 end
      if months[at] == month then
        months[at + 1] = months[at + 1] + many
      else
        table.insert(months, at, many)
        table.insert(months, at, month)
      end
    end
  end

  -- One less, or so many; gives the step's tally.
  function Ground.close_item(ground, step, month, many)
    many = many or 1
    local tally = Ground.tally(ground, step)
    local months = tally.months
    for at = 1, #months, 2 do
      if months[at] == month then
        months[at + 1] = months[at + 1] - many
        if months[at + 1] <= 0 then
          table.remove(months, at)
          table.remove(months, at)
        end
        break
      end
    end
    if tally.open < many then damaged('step ' .. step .. ' counts less than nothing open') end
    tally.open = tally.open - many
    return tally
  end

  function Ground.give_up(ground, step)
    local tally = Ground.tally(ground, step)
    tally.leased = max(0, tally.leased - 1)
  end

  function Ground.leased(ground)
    local leased = 0
    for _, tally in ipairs(ground.counts.steps) do leased = leased + tally.leased end
    return leased
  end
end

-- A new id, higher than every one before.
local function next_id()
  local meta = Store.get('m')
  meta.last = meta.last + 1
  Store.put('m', meta)
  return meta.last
end

-- The number of a name: what is kept of many is kept under that.
local function number_of(name)
  local meta = Store.get('m')
  local number = meta.names[name]
  if not number then
    number = meta.named + 1
    meta.named, meta.names[name] = number, number
    Store.put('m', meta)
  end
  return number
end
