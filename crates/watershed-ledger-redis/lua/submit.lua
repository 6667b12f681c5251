-- A run begins, with what hangs under the run itself. The same id again changes nothing.

local function misfit(plan, kins)
  for at, parent in ipairs(plan.scopes) do
    if (parent == false) ~= (at == 1) or (parent and parent >= at - 1) then
      return 'the plan\'s tables do not refer to one another'
    end
  end
  if #plan.scopes == 0 then return 'the plan\'s tables do not refer to one another' end
  for _, step in ipairs(plan.steps) do
    if step.scope >= #plan.scopes then return 'the plan\'s tables do not refer to one another' end
  end
  for _, join in ipairs(plan.joins) do
    if join.step >= #plan.steps or join.scope >= #plan.scopes or join.watch_max >= #plan.steps then
      return 'the plan\'s tables do not refer to one another'
    end
  end
  return Spawn.misfit(plan, 0, kins, {})
end

return run(function(said)
  local known = Store.get('r' .. said.run)
  if known then
    local what
    if known.plan_hash ~= said.plan_hash then
      what = 'plan'
    elseif known.connection ~= said.connection then
      what = 'connection'
    elseif known.inputs ~= said.inputs then
      what = 'inputs'
    end
    if what then fail('other_run', { run = said.run, what = what }) end
    return { already = true }
  end
  if said.rules.format ~= PLAN_FORMAT then
    fail('version', { place = 'the plan of run ' .. said.run, found = said.rules.format,
                      known = PLAN_FORMAT })
  end
  local why = misfit(said.rules, said.kin)
  if why then fail('illegal', { command = 'submit', run = said.run, why = why }) end
  if not Store.get('P' .. said.plan_hash) then
    Store.put('P' .. said.plan_hash, said.rules)
    Store.put('Q' .. said.plan_hash, { said.plan })
  end
  META.runs = (META.runs or 0) + 1
  local run = { run = said.run, number = META.runs, connection = said.connection,
                plan_hash = said.plan_hash, inputs = said.inputs, granted = said.granted,
                trigger = said.trigger, class = said.class, state = 'running', why = false,
                submitted_at = NOW, ended_at = false, root = 0 }
  Store.put_in('R', NOW, run.number, 'r')
  Store.put('N' .. be(4, run.number), { said.run })
  local ground = Ground.begin(run, said.rules)
  Ground.turn(ground, 'running')
  run.root = Fold.open_scope(ground, nil, 0, '\0\0\0\0\0\0\0\0', said.joins)
  -- Held open until its children are in, so that nothing ends between.
  local held = Fold.load(run.root)
  held.units = held.units + 1
  Spawn.kin(ground, run.root, said.kin, NOW)
  held = Fold.load(run.root)
  held.units = held.units - 1
  Fold.keep(held)
  Fold.settle(ground, run.root, NOW)
  Ground.keep()
  return { already = false }
end)
