-- Dead letters are put back, folded branches open again, joins above run again. A letter:
-- {step, item, once or false, bucket, scopes}, a scope {level, key, joins}.

local LETTERS_MAX = 500

local function misfit(plan, letters)
  if #letters > LETTERS_MAX then
    return #letters .. ' letters; at most ' .. LETTERS_MAX .. ' at once'
  end
  local why
  for _, letter in ipairs(letters) do
    local level = 0
    for _, seed in ipairs(letter[5]) do
      if plan.scopes[seed[1] + 1] ~= level then
        why = 'a dead letter names scope level ' .. seed[1]
        break
      end
      level = seed[1]
    end
    if letter[1] >= #plan.steps then why = 'a dead letter names step ' .. letter[1] end
  end
  return why
end

-- Somebody else has the letter's key: as the later comer it counts as done.
local function drop_letter(ground, letter)
  local tally = Ground.tally(ground, letter[1])
  if tally.failed > 0 then
    tally.failed, tally.done = tally.failed - 1, tally.done + 1
  end
  local id, at = ground.run.root, 0
  while id do
    local here = Fold.load(id)
    Fold.forget_failure(here, letter[1])
    at = at + 1
    local seed = letter[5][at]
    local beneath = seed and Fold.beneath(id, seed[1], seed[2])
    if here.folded and not next(here.failures) then Fold.delete(here) else Fold.keep(here) end
    id = beneath
  end
end

-- The letter's scope: found where it is known, made again where it is not; open either way.
local function scope_of(ground, letter)
  local scope = ground.run.root
  for _, seed in ipairs(letter[5]) do
    local id = Fold.beneath(scope, seed[1], seed[2])
    if not id then
      local made = Fold.new(ground, scope, seed[1], seed[2], seed[3], 'd')
      made.folded = true
      id = made.id
    end
    Fold.reopen(id)
    scope = id
  end
  return scope
end

-- Joins that watch the step, and joins that watch those, and so on.
local function joins_above(ground, step)
  local steps, known, above = { step }, {}, {}
  while #steps > 0 do
    for _, index in ipairs(ground.plan.watched[table.remove(steps) + 1]) do
      if not known[index] then
        known[index] = true
        above[#above + 1] = index
        steps[#steps + 1] = ground.plan.joins[index].step
      end
    end
  end
  return above
end

-- For a join's own dead letter: whether the join is to run again there with all of its items.
-- Where it is not, one more of its tasks is open.
local function join_runs_anyway(ground, scope, step)
  local index = Fold.index_of(ground, step)
  if not index then return false end
  local here = Fold.load(scope)
  local state = here.states[index]
  if state == 'w' then return true end
  if state == 'e' then return false end
  if state == 'd' then
    here.states[index] = 1
  else
    if here.again[index] then return true end
    here.states[index] = state + 1
  end
  Fold.keep(here)
  return false
end

local function put_back(ground, letter)
  local step, once = letter[1], letter[3]
  if not Spawn.dig_up_once(ground, step, once) then return drop_letter(ground, letter) end
  local scope = scope_of(ground, letter)
  local above = joins_above(ground, step)
  local id = scope
  while id do
    local here = Fold.load(id)
    Fold.forget_failure(here, step)
    Fold.keep(here)
    for _, index in ipairs(above) do Fold.rerun(ground, id, index) end
    id = here.parent or nil
  end
  local tally = Ground.tally(ground, step)
  -- A run that was rebuilt from the sink has not counted the letter.
  local counted = tally.failed > 0
  if counted then tally.failed = tally.failed - 1 end
  if join_runs_anyway(ground, scope, step) then
    if counted then tally.known = max(0, tally.known - 1) end
    return Fold.settle(ground, scope, NOW)
  end
  if not counted then tally.known = tally.known + 1 end
  Ground.open_item(ground, step, letter[4])
  Spawn.loose(ground, scope, step, letter[2], once, letter[4], NOW)
end

return run(function(said)
  local ground = Ground.of(said.run)
  local state = ground.run.state
  if state == 'cancelling' or state == 'cancelled' then Runs.illegal('retry', ground.run) end
  local why = misfit(ground.plan, said.letters)
  if why then fail('illegal', { command = 'retry', run = said.run, why = why }) end
  if #said.letters > 0 and Ground.ended(ground.run) then
    Ground.turn(ground, 'running')
    ground.run.why, ground.run.ended_at = false, false
  end
  for _, letter in ipairs(said.letters) do put_back(ground, letter) end
  Fold.settle(ground, ground.run.root, NOW)
  Ground.keep()
  return { letters = #said.letters }
end)
