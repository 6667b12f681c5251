-- Scopes: units that open and close, joins that are released, branches that fold. The rules are
-- those of `watershed_ledger::fold`. A join's state: 'e' elsewhere, 'w' waiting, 'd' has run, or
-- how many of its tasks are open.

local Fold = {}
local Spawn = {}
local Judge = {}
do
  local function field(id)
    return 's' .. id7(id)
  end

  local function beneath(parent, level, key)
    return 'y' .. id7(parent) .. be(1, level) .. key
  end

  local function keep(scope)
    Store.put(field(scope.id), scope)
  end

  local function less(scope)
    if scope.units < 1 then damaged('scope ' .. text(scope.id) .. ' has fewer units than none') end
    scope.units = scope.units - 1
  end

  function Fold.load(id)
    local scope = Store.get(field(id))
    if not scope then damaged('scope ' .. text(id) .. ' is missing') end
    return scope
  end

  Fold.keep = keep

  function Fold.beneath(parent, level, key)
    local id = Store.get(beneath(parent, level, key))
    return id and id[1]
  end

  function Fold.delete(scope)
    if scope.parent then Store.forget(beneath(scope.parent, scope.level, scope.key)) end
    Store.forget(field(scope.id))
  end

  -- A scope record; `state` is that of the joins of its level.
  function Fold.new(ground, parent, level, key, joins, state)
    local counts, states, again = {}, {}, {}
    for i, join in ipairs(ground.plan.joins) do
      counts[i], again[i] = 0, false
      states[i] = join.scope == level and state or 'e'
    end
    local scope = { id = next_id(), run = ground.run.run, parent = parent, level = level,
                    key = key, joins = joins, folded = false, units = 0, counts = counts,
                    states = states, again = again, failures = {} }
    if parent then Store.put(beneath(parent, level, key), { scope.id }) end
    keep(scope)
    return scope
  end

  -- Counts a unit in its scope, and for the joins that watch it as far up as they stand.
  local function count(ground, id, step, turn)
    local here = Fold.load(id)
    if turn > 0 then here.units = here.units + 1 else less(here) end
    local moved = ground.plan.watched[step + 1]
    while true do
      local further = {}
      for _, index in ipairs(moved) do
        local was = here.counts[index]
        here.counts[index] = was + turn
        if was + turn < 0 then damaged('scope ' .. text(here.id) .. ' counts below zero') end
        local crossed = min(was, was + turn) == 0
        if crossed and ground.plan.joins[index].scope < here.level then
          further[#further + 1] = index
        end
      end
      keep(here)
      if #further == 0 or not here.parent then return end
      here, moved = Fold.load(here.parent), further
    end
  end

  function Fold.open_unit(ground, scope, step)
    count(ground, scope, step, 1)
  end

  -- A new scope, its joins waiting, nothing open beneath it yet.
  function Fold.open_scope(ground, parent, level, key, joins)
    local scope = Fold.new(ground, parent, level, key, joins, 'w')
    if parent then
      local above = Fold.load(parent)
      above.units = above.units + 1
      keep(above)
    end
    for _, join in ipairs(ground.plan.joins) do
      if join.scope == level then Fold.open_unit(ground, scope.id, join.step) end
    end
    return scope.id
  end

  -- A scope that has folded counts in its parent again.
  function Fold.reopen(id)
    local here = Fold.load(id)
    if here.parent and here.folded then
      here.folded = false
      keep(here)
      local above = Fold.load(here.parent)
      above.units = above.units + 1
      keep(above)
    end
  end

  local function items_of(scope, step)
    for _, join in ipairs(scope.joins) do
      if join[1] == step then return join[2] end
    end
    return {}
  end

  local function release(ground, id, now)
    local here = Store.get(field(id))
    local index = 1
    while here and index <= #here.states do
      if here.states[index] == 'w' and here.counts[index] == 0 then
        local step = ground.plan.joins[index].step
        -- A run that is being cancelled starts nothing more.
        local items = ground.run.state ~= 'cancelling' and items_of(here, step) or {}
        here.states[index] = #items > 0 and #items or 'd'
        keep(here)
        for _, item in ipairs(items) do Spawn.join_task(ground, id, step, item, now) end
        -- The waiting join's own unit, after those of its tasks: nothing reaches zero between.
        count(ground, id, step, -1)
        index = 0
      end
      index = index + 1
    end
  end

  local function end_run(ground, now)
    if Ground.ended(ground.run) then return end
    local judged = Judge.at_end(ground)
    if ground.run.state == 'cancelling' then
      Ground.turn(ground, 'cancelled')
    elseif judged then
      Ground.turn(ground, 'failed')
      ground.run.why = judged
    else
      Ground.turn(ground, 'complete')
    end
    ground.run.ended_at = now
  end

  -- Releases the joins of a scope that nothing keeps waiting, and folds it where it is empty.
  function Fold.settle(ground, id, now)
    while id do
      release(ground, id, now)
      local here = Store.get(field(id))
      if not here or here.folded then return end
      local parent = here.parent or nil
      if here.units == 0 then
        if not parent then return end_run(ground, now) end
        local above = Fold.load(parent)
        less(above)
        keep(above)
        if next(here.failures) then
          here.folded = true
          keep(here)
        else
          Fold.delete(here)
        end
      end
      -- What closed here may still have released a join further up.
      id = parent
    end
  end

  function Fold.close_unit(ground, scope, step, now)
    count(ground, scope, step, -1)
    Fold.settle(ground, scope, now)
  end

  local function index_of(ground, step)
    for i, join in ipairs(ground.plan.joins) do
      if join.step == step then return i end
    end
  end

  Fold.index_of = index_of

  -- A join has run (one of its tasks closed).
  function Fold.join_closed(ground, scope, step)
    local index = index_of(ground, step)
    if not index then return end
    local here = Fold.load(scope)
    local open = here.states[index]
    if type(open) ~= 'number' then return end
    here.states[index] = open > 1 and open - 1 or 'd'
    if here.again[index] and here.states[index] == 'd' then
      here.again[index] = false
      here.states[index] = 'w'
      Fold.open_unit(ground, scope, step)
    end
    keep(here)
  end

  -- A join of this scope that has run already runs once more.
  function Fold.rerun(ground, scope, index)
    local here = Fold.load(scope)
    if here.states[index] == 'd' then
      here.states[index] = 'w'
      Fold.open_unit(ground, scope, ground.plan.joins[index].step)
    elseif type(here.states[index]) == 'number' then
      here.again[index] = true
    end
    keep(here)
  end

  -- A dead letter beneath a scope: known to every scope above it at once.
  function Fold.count_failure(scope, step)
    local key = tostring(step)
    while scope do
      local here = Fold.load(scope)
      here.failures[key] = (here.failures[key] or 0) + 1
      keep(here)
      scope = here.parent or nil
    end
  end

  function Fold.forget_failure(scope, step)
    local key = tostring(step)
    local known = scope.failures[key]
    if known then scope.failures[key] = known > 1 and known - 1 or nil end
  end

  -- The scope at that level, from one at or beneath it.
  function Fold.at_level(from, level)
    local id = from
    while true do
      local here = Fold.load(id)
      if here.level == level then return id end
      id = here.parent
      if not id then damaged('no scope of level ' .. level .. ' above ' .. text(from)) end
    end
  end
end

-- How much may fail before a run does: `watershed_ledger::decide::tolerate`.
do
  local JUDGED_FROM, FAILURES_MIN = 100, 10

  local function closed(tally)
    return tally.done + tally.skipped + tally.unavailable + tally.waiting + tally.failed
  end

  local function exceeded(ground, id)
    local step, tally = Ground.step(ground, id), Ground.tally(ground, id)
    local all = closed(tally)
    if tally.failed < FAILURES_MIN or tally.failed / max(all, 1) <= step.fraction then return nil end
    return string.format('step %s: %d of %d failed, more than the %.1f %% that are tolerated',
      step.name, tally.failed, all, step.fraction * 100)
  end

  local function why(ground, id, failed)
    local step = Ground.step(ground, id)
    if failed and step.fail_run then return 'step ' .. step.name .. ' may not fail, and did' end
    local all = closed(Ground.tally(ground, id))
    if all == JUDGED_FROM or (failed and all > JUDGED_FROM) then return exceeded(ground, id) end
  end

  -- Whether the step is judged while so many more of its items are done.
  function Judge.is_near(ground, id, many)
    local all = closed(Ground.tally(ground, id))
    return all < JUDGED_FROM and all + many >= JUDGED_FROM
  end

  -- After one more item of that step was closed.
  function Judge.item(ground, id, failed, now)
    local run = ground.run
    if run.state ~= 'running' and run.state ~= 'paused' then return end
    local found = why(ground, id, failed)
    if found then
      Ground.turn(ground, 'failed')
      run.why, run.ended_at = found, now
    end
  end

  function Judge.at_end(ground)
    for i = 1, #ground.plan.steps do
      local found = exceeded(ground, i - 1)
      if found then return found end
    end
  end
end
