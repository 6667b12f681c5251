-- Leases: what is held of them, how they end, how they are shown.

local Lease = {}
do
  local function field(id)
    return 'l' .. id7(id)
  end

  local function holds(worker, more)
    local record = Store.get('w' .. worker)
    if record then
      record.held = record.held + more
      Store.put('w' .. worker, record)
    end
  end

  function Lease.load(id)
    return Store.get(field(id))
  end

  function Lease.keep(lease)
    Store.put(field(lease.id), lease)
  end

  -- A new one, of a task ('t') or of a chunk's items from that one on ('c').
  function Lease.new(ground, exchange, of, id, from, category, slots, now)
    local lease = { id = next_id(), worker = exchange.worker, run = ground.run.run, of = of,
                    what = id, from = from, category = category or false, open = {},
                    slots = slots, left = #slots }
    lease.nonce = string.sub(redis.sha1hex(exchange.random .. id7(lease.id) .. id7(now)), 1, 16)
    for i = 1, #slots do lease.open[i] = true end
    lease.till = now + exchange.lease_ms
    lease.at = Store.put_in('u', lease.till, lease.id, 'l')
    holds(lease.worker, 1)
    Lease.keep(lease)
    return lease
  end

  function Lease.delete(lease)
    Store.take_out(lease.at)
    holds(lease.worker, -1)
    Store.forget(field(lease.id))
  end

  -- A clock that stepped back never shortens a lease.
  function Lease.extend(lease, till)
    if till <= lease.till then return end
    Store.take_out(lease.at)
    lease.till = till
    lease.at = Store.put_in('u', till, lease.id, 'l')
    Lease.keep(lease)
  end

  -- One of a lease's items as a task; of a chunk's it has no record.
  function Lease.task(ground, lease, index)
    if lease.of == 't' then return Task.load(lease.what) end
    local chunk = Chunk.load(lease.what)
    local form, fills, once = Chunk.item(Chunk.items(chunk.id), lease.from + index)
    if form == nil then damaged('an item of chunk ' .. text(chunk.id) .. ' is missing') end
    return Task.new(ground.run.run, chunk.step, chunk.scope, form, fills, once, chunk.bucket)
  end

  -- The scope that counts what a lease is of.
  function Lease.scope(lease)
    return (lease.of == 't' and Task.load(lease.what) or Chunk.load(lease.what)).scope
  end

  -- One item less in a chunk; the last one closes the chunk's unit.
  function Lease.leave_chunk(ground, id, now)
    local chunk = Chunk.load(id)
    if chunk.open < 1 then damaged('chunk ' .. text(id) .. ' has fewer items than none') end
    chunk.open = chunk.open - 1
    if chunk.open > 0 then return Chunk.put(ground, chunk) end
    Chunk.delete(chunk)
    Fold.close_unit(ground, chunk.scope, chunk.step, now)
  end

  -- Keeps a held item open as a task with a record, due at that time.
  function Lease.keep_open(ground, lease, task, due_at, now)
    task.due_at, task.leased = due_at, false
    if lease.of == 'c' then
      task.id = next_id()
      Fold.open_unit(ground, task.scope, task.step)
    end
    Task.put(ground, task, due_at <= now)
    if lease.of == 'c' then Lease.leave_chunk(ground, lease.what, now) end
  end

  function Lease.close_task_unit(ground, scope, step, now)
    Fold.join_closed(ground, scope, step)
    Fold.close_unit(ground, scope, step, now)
  end

  -- Gives a lease's open items back, each one lease poorer; tells how many.
  function Lease.take_back(lease, now)
    local ground = Ground.of(lease.run)
    local tasks = 0
    for i, open in ipairs(lease.open) do
      if open then
        local task = Lease.task(ground, lease, i - 1)
        task.lost = min(task.lost + 1, 65535)
        Ground.give_up(ground, task.step)
        Lease.keep_open(ground, lease, task, now, now)
        tasks = tasks + 1
      end
    end
    Lease.delete(lease)
    return tasks
  end

  local function seeds(scope)
    local list = {}
    while scope do
      local here = Fold.load(scope)
      scope = here.parent or nil
      if scope then table.insert(list, 1, { here.level, here.key, here.joins }) end
    end
    return list
  end

  -- The open items of a lease, as a worker sees them.
  function Lease.show(lease)
    local ground = Ground.of(lease.run)
    local shown = { lease = lease.id, nonce = lease.nonce, run = lease.run,
                    category = lease.category, tasks = {}, failures = {} }
    local items = lease.of == 'c' and Chunk.items(lease.what)
    local chunk = items and Chunk.load(lease.what)
    local only = not items and Task.load(lease.what)
    local step, scope = (chunk or only).step, (chunk or only).scope
    shown.step, shown.scopes = step, seeds(scope)
    if Fold.index_of(ground, step) then
      for key, failed in pairs(Fold.load(scope).failures) do
        shown.failures[#shown.failures + 1] = { tonumber(key), failed }
      end
    end
    for i, open in ipairs(lease.open) do
      if open then
        local slot = lease.slots[i]
        if only then
          shown.tasks[#shown.tasks + 1] = {
            i - 1, slot[1], slot[2], only.form, only.fills, only.once, only.bucket,
            only.checkpoint, only.attempts, only.lost, only.restarts,
          }
        else
          local form, fills, once = Chunk.item(items, lease.from + i - 1)
          if form == nil then damaged('chunk ' .. text(chunk.id) .. ' is not whole') end
          shown.tasks[#shown.tasks + 1] = {
            i - 1, slot[1], slot[2], form, fills, once, chunk.bucket, false, 0, 0, 0,
          }
        end
      end
    end
    return shown
  end
end
