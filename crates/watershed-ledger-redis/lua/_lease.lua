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

  -- Slots of a lease are a string, 16 bytes each; where no limit gave them, one is for all.
  local SLOT = '>I7I7I2'

  function Lease.slots(slots)
    local packed = {}
    for i, slot in ipairs(slots) do packed[i] = struct.pack(SLOT, slot[1], slot[2], slot[3]) end
    return table.concat(packed)
  end

  -- When the call of an item may start, until when, and calls of its period before it.
  function Lease.slot(lease, index)
    local at = index * 16 < #lease.slots and index * 16 + 1 or 1
    local from, till, own = struct.unpack(SLOT, lease.slots, at)
    return { from, till, own }
  end

  -- Whether an item's permit serves others too: those that are bound to it, or it to them. It is not
  -- given back: which of them makes the call is not known before all have settled.
  function Lease.shares(lease, index)
    if lease.of == 't' then return false end
    local items, at = Chunk.items(lease.what), lease.from + index
    local last = index + 1 == #lease.open
    return index > 0 and Chunk.bound(items, at) or not last and Chunk.bound(items, at + 1)
  end

  -- A new one, of a task ('t') or of so many of a chunk's items from that one on ('c').
  function Lease.new(ground, exchange, of, id, from, many, category, slots, now)
    local lease = { id = next_id(), worker = exchange.worker, run = ground.run.run, of = of,
                    what = id, from = from, category = category or false, open = {},
                    slots = Lease.slots(slots), left = many }
    lease.nonce = string.sub(redis.sha1hex(exchange.random .. id7(lease.id) .. id7(now)), 1, 16)
    for i = 1, many do lease.open[i] = true end
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
    local items, at = Chunk.items(chunk.id), lease.from + index
    local form, fills, once = Chunk.item(items, at)
    if form == nil then damaged('an item of chunk ' .. text(chunk.id) .. ' is missing') end
    return Task.new(ground.run.run, chunk.step, chunk.scope, form, fills, once, chunk.bucket,
                    Chunk.bound(items, at))
  end

  -- What is to be known of an item that closes: {step, scope, bucket, once, …}.
  function Lease.closing(lease, index)
    if lease.of == 't' then return Task.load(lease.what) end
    local chunk = Chunk.load(lease.what)
    return { step = chunk.step, scope = chunk.scope, bucket = chunk.bucket,
             once = Chunk.key(Chunk.items(chunk.id), lease.from + index) }
  end

  -- The scope that counts what a lease is of.
  function Lease.scope(lease)
    return (lease.of == 't' and Task.load(lease.what) or Chunk.load(lease.what)).scope
  end

  -- One item less in a chunk, or so many; the last one closes the chunk's unit.
  function Lease.leave_chunk(ground, id, now, many)
    local chunk = Chunk.load(id)
    many = many or 1
    if chunk.open < many then damaged('chunk ' .. text(id) .. ' has fewer items than none') end
    chunk.open = chunk.open - many
    if chunk.open > 0 then return Chunk.keep(chunk) end
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

  -- Gives a lease's open items back: each one lease poorer, or, where `holds` tells which of them
  -- its worker holds, the others as they were. Tells how many.
  function Lease.take_back(lease, now, holds)
    local ground = Ground.of(lease.run)
    local tasks = 0
    for i, open in ipairs(lease.open) do
      if open and not (holds and holds[id7(lease.id) .. be(2, i - 1)]) then
        local task = Lease.task(ground, lease, i - 1)
        if not holds then task.lost = min(task.lost + 1, 65535) end
        lease.open[i], lease.left = false, lease.left - 1
        Ground.give_up(ground, task.step)
        Lease.keep_open(ground, lease, task, now, now)
        tasks = tasks + 1
      end
    end
    if lease.left == 0 then Lease.delete(lease) elseif tasks > 0 then Lease.keep(lease) end
    return tasks
  end

  -- Gives back what a worker does not hold, unless its lease ran out: it settled that, by an act
  -- that was lost since. `held`: 9 bytes for each item that it holds, its lease and index.
  function Lease.give_back_all_but(held, worker, now)
    local holds = {}
    for at = 1, #held, 9 do holds[string.sub(held, at, at + 8)] = true end
    for _, member in ipairs(Store.first('u', 1000000)) do
      local lease = member[1] > now and Lease.load(member[2])
      if lease and lease.worker == worker then Lease.take_back(lease, now, holds) end
    end
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

  -- The open items of a lease, as a worker sees them: a task, or a piece of a chunk as it is.
  function Lease.show(lease)
    local ground = Ground.of(lease.run)
    local shown = { lease = lease.id, nonce = lease.nonce, run = lease.run, slots = lease.slots,
                    category = lease.category, open = lease.open, failures = {} }
    local what
    if lease.of == 'c' then
      what = Chunk.load(lease.what)
      shown.items = Chunk.piece(Chunk.items(what.id), lease.from, #lease.open)
      if not shown.items then damaged('chunk ' .. text(what.id) .. ' is not whole') end
    else
      what = Task.load(lease.what)
      shown.task = { what.form, what.fills, what.once, what.checkpoint, what.attempts, what.lost,
                     what.restarts }
    end
    shown.step, shown.scopes, shown.bucket = what.step, seeds(what.scope), what.bucket
    if Fold.index_of(ground, what.step) then
      for key, failed in pairs(Fold.load(what.scope).failures) do
        shown.failures[#shown.failures + 1] = { tonumber(key), failed }
      end
    end
    return shown
  end
end
