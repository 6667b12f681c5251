-- Children become items, gathered by step, scope and month into chunks; and what is kept of
-- tasks and chunks. A child on the wire: {step, form, fills, once or false, bucket, together}.
-- A form of false says that the fills are the text itself.

local Task = {}
local Chunk = {}

do
  local function field(id)
    return 't' .. id7(id)
  end

  function Task.load(id)
    local task = Store.get(field(id))
    if not task then damaged('task ' .. text(id) .. ' is missing') end
    return task
  end

  local function leave(task)
    for _, place in ipairs(task.places) do Store.take_out(place) end
    task.places = {}
  end

  -- Keeps a task: ready, or leased, or else delayed until it is due.
  function Task.put(ground, task, ready)
    leave(task)
    local places = task.places
    local run = be(4, ground.run.number)
    if ready then
      local prefix, rank = Order.of_task(ground, task)
      places[1] = Store.put_in(prefix, rank, task.id, 't')
      if task.checkpoint then
        local step = Ground.step(ground, task.step)
        local aging = Order.aging_prefix(ground, step.category)
        places[2] = Store.put_in(aging, task.checkpoint.token_at, task.id, 't')
      end
    elseif not task.leased then
      places[1] = Store.put_in((task.not_yet and 'n' or 'd') .. run, task.due_at, task.id, 't')
    end
    if not task.leased and task.lost > 0 then
      places[#places + 1] = Store.put_in('p' .. run, task.lost, task.id, 't')
    end
    Store.put(field(task.id), task)
  end

  -- Keeps a task that stands where it stood.
  function Task.keep(task)
    Store.put(field(task.id), task)
  end

  function Task.delete(task)
    leave(task)
    Brought.forget(task)
    Store.forget(field(task.id))
  end

  -- A task of those values, with no record yet.
  function Task.new(run, step, scope, form, fills, once, bucket, bound)
    return { id = 0, run = run, step = step, scope = scope, form = form, fills = fills,
             once = once, bucket = bucket, checkpoint = false, attempts = 0, lost = 0,
             restarts = 0, not_yet = false, keyed = false, due_at = 0, leased = true,
             bound = bound or false, places = {} }
  end

  -- A task with a record of its own, ready now.
  function Spawn.loose(ground, scope, step, item, once, bucket, now)
    local task = Task.new(ground.run.run, step, scope, false, item, once, bucket)
    task.id, task.due_at, task.leased = next_id(), now, false
    Task.put(ground, task, true)
    Fold.open_unit(ground, scope, step)
  end

  function Spawn.join_task(ground, scope, step, item, now)
    local tally = Ground.tally(ground, step)
    tally.known = tally.known + 1
    Ground.open_item(ground, step, 0)
    Spawn.loose(ground, scope, step, item, false, 0, now)
  end
end

-- Chunks. Of its items: `ends`, 3 bytes each; `heads`, a byte each (the form's place times 4, 2
-- where it has a key, 1 where it goes together with the one before); `keys`, 8 bytes each where
-- any has one; `blob`, what fills their forms.
do
  local FORMS_MAX = 62

  local function field(id)
    return 'c' .. id7(id)
  end

  local function group(chunk)
    return 'f' .. struct.pack('>I4I2I7I2', chunk.run, chunk.step, chunk.scope, chunk.bucket)
  end

  function Chunk.load(id)
    local chunk = Store.get(field(id))
    if not chunk then damaged('chunk ' .. text(id) .. ' is missing') end
    return chunk
  end

  -- The chunk of a group of which nothing is leased yet; or nil.
  function Chunk.to_fill(run, step, scope, bucket)
    local known = Store.get('f' .. struct.pack('>I4I2I7I2', run, step, scope, bucket))
    return known and Store.get(field(known[1])) or nil
  end

  local function forget_group(chunk)
    local known = Store.get(group(chunk))
    if known and known[1] == chunk.id then Store.forget(group(chunk)) end
  end

  -- Keeps a chunk, where it stands while it has items to lease.
  function Chunk.put(ground, chunk)
    local ready = chunk.next < chunk.len
    if ready and not chunk.at then
      local prefix, rank = Order.of_chunk(ground, chunk)
      chunk.at = Store.put_in(prefix, rank, chunk.id, 'c')
    elseif not ready and chunk.at then
      Store.take_out(chunk.at)
      chunk.at = false
    end
    if chunk.next > 0 then forget_group(chunk) end
    Store.put(field(chunk.id), chunk)
  end

  -- Keeps a chunk of which fewer items are open, and nothing else has changed.
  function Chunk.keep(chunk)
    Store.put(field(chunk.id), chunk)
  end

  function Chunk.delete(chunk)
    if chunk.at then Store.take_out(chunk.at) end
    forget_group(chunk)
    Store.forget('i' .. id7(chunk.id))
    Store.forget(field(chunk.id))
  end

  function Chunk.new(ground, step, scope, bucket)
    local id = next_id()
    local chunk = { id = id, run = ground.run.number, step = step, scope = scope,
                    bucket = bucket, len = 0, bytes = 0, next = 0, open = 0, at = false }
    Store.put(group(chunk), { id })
    Store.put('i' .. id7(id), { forms = {}, ends = '', heads = '', keys = '', blob = '' })
    return chunk
  end

  -- What was added to chunks in this act, until somebody reads it or it is kept.
  local fresh = {}

  local function settled(id, items)
    local parts = fresh[id]
    if not parts then return end
    for name, part in pairs(parts) do items[name] = items[name] .. table.concat(part) end
    fresh[id] = nil
  end

  local function stored(id)
    local items = Store.get('i' .. id7(id))
    if not items then damaged('the items of chunk ' .. text(id) .. ' are missing') end
    return items
  end

  function Chunk.items(id)
    local items = stored(id)
    settled(id, items)
    return items
  end

  -- Before all is kept.
  function Chunk.settle_all()
    for id in pairs(fresh) do
      local items = Store.get('i' .. id7(id))
      if items then settled(id, items) end
    end
  end

  local function form_of(items, form)
    for at, known in ipairs(items.forms) do
      if known == form then return at - 1 end
    end
    if #items.forms < FORMS_MAX then
      items.forms[#items.forms + 1] = form
      return #items.forms - 1
    end
  end

  -- Adds children at a chunk's end, from that one on, while they fit; gives the next one's place.
  function Chunk.fill(chunk, children, from, fits)
    local items = stored(chunk.id)
    local parts = fresh[chunk.id]
    if not parts then
      parts = { ends = {}, heads = {}, keys = {}, blob = {} }
      fresh[chunk.id] = parts
    end
    local ends, heads, keys, blob = parts.ends, parts.heads, parts.keys, parts.blob
    local size, at, count = chunk.bytes, from, #ends
    local keyed = #items.keys > 0 or #keys > 0
    while at <= #children do
      local child = children[at]
      if not child[6] and not fits(chunk.len, size) then break end
      local form, fills = form_of(items, child[2]), child[3]
      if not form then
        form = FORMS_MAX
        fills = be(3, #(child[2] or '')) .. (child[2] or '') .. fills
      end
      if child[4] and not keyed then
        keyed = true
        keys[1] = string.rep('\0', 8 * (chunk.len))
      end
      size, count = size + #fills, count + 1
      ends[count] = struct.pack('>I3', size)
      heads[count] = string.char(form * 4 + (child[4] and 2 or 0) + (child[6] and 1 or 0))
      if keyed then keys[#keys + 1] = child[4] or '\0\0\0\0\0\0\0\0' end
      blob[count] = fills
      chunk.len, chunk.open = chunk.len + 1, chunk.open + 1
      at = at + 1
    end
    chunk.bytes = size
    Store.put('i' .. id7(chunk.id), items)
    return at
  end

  -- Whether there is an item at that place that goes together with the one before.
  function Chunk.bound(items, at)
    local head = string.byte(items.heads, at + 1)
    return head and head % 2 == 1
  end

  -- Of the item at that place: form, fills, and key or false; nil where there is none.
  function Chunk.item(items, at)
    local head = string.byte(items.heads, at + 1)
    if not head then return nil end
    local from = at > 0 and struct.unpack('>I3', items.ends, at * 3 - 2) or 0
    local to = struct.unpack('>I3', items.ends, at * 3 + 1)
    local fills = string.sub(items.blob, from + 1, to)
    local place = floor(head / 4)
    local form = items.forms[place + 1]
    if place == FORMS_MAX then
      local len = struct.unpack('>I3', fills)
      form = len > 0 and string.sub(fills, 4, 3 + len)
      fills = string.sub(fills, 4 + len)
    end
    local once = head % 4 >= 2 and string.sub(items.keys, at * 8 + 1, at * 8 + 8)
    return form, fills, once
  end

  -- So many items from that one on, as they are kept: {forms, where the first begins, ends, heads,
  -- keys, blob}; nil where there are fewer.
  function Chunk.piece(items, from, many)
    if #items.heads < from + many then return nil end
    local first = from > 0 and struct.unpack('>I3', items.ends, from * 3 - 2) or 0
    local last = struct.unpack('>I3', items.ends, (from + many) * 3 - 2)
    return { items.forms, first, string.sub(items.ends, from * 3 + 1, (from + many) * 3),
             string.sub(items.heads, from + 1, from + many),
             string.sub(items.keys, from * 8 + 1, (from + many) * 8),
             string.sub(items.blob, first + 1, last) }
  end

  function Chunk.key(items, at)
    local head = string.byte(items.heads, at + 1)
    if not head then damaged('an item of a chunk is missing') end
    return head % 4 >= 2 and string.sub(items.keys, at * 8 + 1, at * 8 + 8)
  end
end

-- Keys that are held, and keys of dead letters.
do
  local function space(ground, step)
    local operation = Ground.step(ground, step).operation
    return be(3, number_of(ground.run.connection .. '\0' .. operation))
  end

  -- What the keys of a run's dead letters of an operation are kept under.
  local function buried(ground, step)
    local name = ground.run.connection .. '\0' .. Ground.step(ground, step).operation
    return 'b' .. be(4, ground.run.number) .. be(3, number_of(name))
  end

  local function place_of(keys, key)
    for at = 1, #keys, 8 do
      if string.sub(keys, at, at + 7) == key then return at end
    end
  end

  function Spawn.take_once(ground, step, once)
    return Store.take_key(space(ground, step), once)
  end

  function Spawn.free_once(ground, step, once)
    if once then Store.free_key(space(ground, step), once) end
  end

  -- An item failed: its key stays taken, and is marked as a dead letter's; but of a run that is
  -- being cancelled nothing is put back.
  function Spawn.bury_once(ground, step, once)
    if not once then return end
    if ground.run.state == 'cancelling' then return Spawn.free_once(ground, step, once) end
    local field = buried(ground, step)
    local known = Store.get(field)
    local keys = known and known[1] or ''
    if not place_of(keys, once) then Store.put(field, { keys .. once }) end
  end

  -- A run is cancelled: what died in it is nobody's any more.
  function Spawn.free_buried(ground)
    for step = 0, #ground.plan.steps - 1 do
      local known = Store.get(buried(ground, step))
      if known then
        for at = 1, #known[1], 8 do
          Spawn.free_once(ground, step, string.sub(known[1], at, at + 7))
        end
        Store.forget(buried(ground, step))
      end
    end
  end

  -- An item is put back: takes over the key that its dead letter kept, or takes it anew; false
  -- where it is open in somebody else's hands.
  function Spawn.dig_up_once(ground, step, once)
    if not once then return true end
    local field = buried(ground, step)
    local known = Store.get(field)
    local at = known and place_of(known[1], once)
    if not at then return Spawn.take_once(ground, step, once) end
    local rest = string.sub(known[1], 1, at - 1) .. string.sub(known[1], at + 8)
    if #rest > 0 then Store.put(field, { rest }) else Store.forget(field) end
    return true
  end
end

-- Children.
do
  local ITEMS_MAX, BYTES_MAX = 300, 65536

  local function fits(len, bytes)
    return len < ITEMS_MAX and bytes < BYTES_MAX
  end

  local function add(ground, step, scope, bucket, children)
    local chunk = Chunk.to_fill(ground.run.number, step, scope, bucket)
    local at = 1
    while at <= #children do
      if not (chunk and fits(chunk.len, chunk.bytes)) then
        chunk = Chunk.new(ground, step, scope, bucket)
        Fold.open_unit(ground, scope, step)
      end
      at = Chunk.fill(chunk, children, at, fits)
      Chunk.put(ground, chunk)
      if at <= #children then chunk = nil end
    end
  end

  local function at_level(gathered, from, level)
    local known = gathered.above[level]
    if not known then
      known = {}
      gathered.above[level] = known
    end
    local found = known[from]
    if not found then
      found = Fold.at_level(from, level)
      known[from] = found
    end
    return found
  end

  -- The scope of a branch. Where another listing has brought the same one, the new children hang
  -- there too, and its joins run after them.
  local function branch(ground, parent, kin)
    local id = Fold.beneath(parent, kin.level, kin.key)
    if not id then return Fold.open_scope(ground, parent, kin.level, kin.key, kin.joins) end
    Fold.reopen(id)
    for index, join in ipairs(ground.plan.joins) do
      if join.scope == kin.level then Fold.rerun(ground, id, index) end
    end
    return id
  end

  local function gather(ground, scope, kin, gathered)
    if kin.level then
      local above = ground.plan.scopes[kin.level + 1] or 0
      local id = branch(ground, at_level(gathered, scope, above), kin)
      gathered.opened[#gathered.opened + 1] = id
      for _, one in ipairs(kin.kin) do gather(ground, id, one, gathered) end
      return
    end
    local step, once, bucket = kin[1], kin[4], kin[5]
    local tally = Ground.tally(ground, step)
    tally.known = tally.known + 1
    if once and not Spawn.take_once(ground, step, once) then
      tally.done = tally.done + 1
      return
    end
    local home = at_level(gathered, scope, Ground.step(ground, step).scope)
    local here = gathered.groups[home]
    if not here then
      here = {}
      gathered.groups[home] = here
    end
    local group = here[step * 65536 + bucket]
    if not group then
      group = { step, home, bucket, {} }
      here[step * 65536 + bucket] = group
      gathered.list[#gathered.list + 1] = group
    end
    local children = group[4]
    children[#children + 1] = kin
  end

  local function in_order(a, b)
    if a[1] ~= b[1] then return a[1] < b[1] end
    if a[2] ~= b[2] then return a[2] < b[2] end
    return a[3] < b[3]
  end

  -- Adds children beneath a scope.
  function Spawn.kin(ground, scope, kins, now)
    local gathered = { groups = {}, list = {}, opened = {}, above = {} }
    for _, kin in ipairs(kins) do gather(ground, scope, kin, gathered) end
    table.sort(gathered.list, in_order)
    for _, group in ipairs(gathered.list) do
      Ground.open_item(ground, group[1], group[3], #group[4])
      add(ground, group[1], group[2], group[3], group[4])
    end
    -- The deepest first: a scope that stayed empty releases its joins, or folds.
    for at = #gathered.opened, 1, -1 do Fold.settle(ground, gathered.opened[at], now) end
  end

  local function above(plan, level, from)
    while from do
      if from == level then return true end
      from = plan.scopes[from + 1]
    end
    return false
  end

  -- Why children that come from a scope of that level do not fit the plan; nil where they do.
  -- `fits` remembers steps that do.
  function Spawn.misfit(plan, level, kins, fits)
    for _, kin in ipairs(kins) do
      local id = kin[1]
      if kin.level then
        local parent = plan.scopes[kin.level + 1]
        if not parent or not above(plan, parent, level) then
          return 'scope level ' .. kin.level .. ' does not hang there'
        end
        local why = Spawn.misfit(plan, kin.level, kin.kin, {})
        if why then return why end
      elseif not fits[id] then
        local step = plan.steps[id + 1]
        if not step then return 'a child names step ' .. id end
        if not above(plan, step.scope, level) then
          return 'step ' .. step.name .. ' does not hang there'
        end
        fits[id] = true
      end
    end
  end
end
