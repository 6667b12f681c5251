-- Dropping what is open of a run that is being cancelled, in bounded steps.

local Runs = {}
do
  local DROPPED_MAX = 64

  -- Open work of a run that is not leased, at most so much: {kind, id}.
  function Runs.open_work(ground, most)
    local found = {}
    local prefixes = Order.all(ground)
    local run = be(4, ground.run.number)
    prefixes[#prefixes + 1] = 'd' .. run
    prefixes[#prefixes + 1] = 'n' .. run
    for _, prefix in ipairs(prefixes) do
      if #found >= most then break end
      for _, member in ipairs(Store.first(prefix, most - #found)) do
        found[#found + 1] = { member[3], member[2] }
      end
    end
    return found
  end

  -- Drops the items of a chunk that are not leased.
  local function drop_chunk(ground, id, now)
    local chunk, items = Chunk.load(id), Chunk.items(id)
    for at = chunk.next, chunk.len - 1 do
      Spawn.free_once(ground, chunk.step, Chunk.key(items, at))
      Ground.close_item(ground, chunk.step, chunk.bucket)
    end
    chunk.open = chunk.open - (chunk.len - chunk.next)
    chunk.next = chunk.len
    if chunk.open < 0 then damaged('chunk ' .. text(id) .. ' has fewer items than none') end
    if chunk.open > 0 then return Chunk.put(ground, chunk) end
    Chunk.delete(chunk)
    Fold.close_unit(ground, chunk.scope, chunk.step, now)
  end

  local function drop_task(ground, id, now)
    local task = Task.load(id)
    Spawn.free_once(ground, task.step, task.once)
    Ground.close_item(ground, task.step, task.bucket)
    Task.delete(task)
    Lease.close_task_unit(ground, task.scope, task.step, now)
  end

  -- Drops some more of a run that is being cancelled; ends it where nothing is left.
  function Runs.sweep(ground, now)
    if ground.run.state ~= 'cancelling' then return end
    for _, work in ipairs(Runs.open_work(ground, DROPPED_MAX)) do
      if work[1] == 'c' then drop_chunk(ground, work[2], now) else drop_task(ground, work[2], now) end
    end
    Fold.settle(ground, ground.run.root, now)
  end

  function Runs.illegal(command, run)
    fail('illegal', { command = command, run = run.run, why = 'it is ' .. run.state })
  end
end
