-- The records and the orders among them: read once, changed here, written once at the end.
--
-- Three keys hold an account: KEYS[1], a hash, its records; KEYS[2], a sorted set whose members
-- all score 0, the orders (a member is a prefix, two numbers of 7 bytes, a kind); KEYS[3], a
-- hash, the `once` keys that are held. docs/redis.md lists the fields and the prefixes.
-- Guarantee: nothing is written before `Store.flush`, and that does nothing that can fail.

local Store = {}
do
  local H, X, O = KEYS[1], KEYS[2], KEYS[3]
  local records, raws, dirty = {}, {}, {}
  local added, gone, sorted, pages = {}, {}, {}, {}
  local buckets = {}

  -- A record, or nil.
  function Store.get(field)
    local value = records[field]
    if value == nil then
      local raw = call('HGET', H, field)
      raws[field] = raw
      value = raw and cmsgpack.unpack(raw)
      records[field] = value
    end
    return value or nil
  end

  -- Keeps a record, changed or new.
  function Store.put(field, value)
    records[field] = value
    dirty[field] = true
  end

  function Store.forget(field)
    records[field] = false
    dirty[field] = true
  end

  local function read(key)
    local first, second, at = struct.unpack('>I7I7', key)
    return { first, second, string.sub(key, at), key }
  end

  local function before(a, b)
    if a[1] ~= b[1] then return a[1] < b[1] end
    if a[2] ~= b[2] then return a[2] < b[2] end
    return string.byte(a[3]) < string.byte(b[3])
  end

  local function of(orders, prefix)
    local order = orders[prefix]
    if not order then
      order = {}
      orders[prefix] = order
    end
    return order
  end

  -- Puts a member into an order that it is not in.
  function Store.put_in(prefix, first, second, kind)
    local key = struct.pack('>I7I7', max(first, 0), second) .. kind
    local out = gone[prefix]
    if out and out[key] then
      out[key] = nil
    else
      of(added, prefix)[key] = true
      sorted[prefix] = nil
    end
    return prefix .. key
  end

  -- Takes a member out that is in its order; `place` is what `put_in` gave.
  function Store.take_out(place)
    local prefix, key = string.sub(place, 1, -16), string.sub(place, -15)
    local mine = added[prefix]
    if mine and mine[key] then mine[key] = nil else of(gone, prefix)[key] = true end
  end

  -- The member at a place of what is stored of an order from `low` on. Nothing is written before
  -- the end, so that what was read once holds.
  local function stored(prefix, low, at, most)
    local known = of(pages, low)
    while #known < at and not known.whole do
      local page = max(most, min(#known, 64))
      local members = call(
        'ZRANGEBYLEX', X, '[' .. low, '[' .. prefix .. string.rep('\255', 16),
        'LIMIT', #known, page
      )
      for _, member in ipairs(members) do known[#known + 1] = read(string.sub(member, #prefix + 1)) end
      known.whole = #members < page
    end
    return known[at]
  end

  -- Those that were added to an order and are still in it, sorted.
  local function fresh(prefix, mine)
    local list = sorted[prefix]
    if not list then
      list = {}
      for key in pairs(mine) do list[#list + 1] = read(key) end
      table.sort(list, before)
      sorted[prefix] = list
    end
    return list
  end

  -- The first members of an order, at most so many, each {first, second, kind}; with `least`, of
  -- those whose first number is not below it.
  function Store.first(prefix, most, least)
    local found, at, out = {}, 1, gone[prefix]
    local low = prefix .. (least and id7(least) or '')
    while #found < most do
      local member = stored(prefix, low, at, most)
      if not member then break end
      if not (out and out[member[4]]) then found[#found + 1] = member end
      at = at + 1
    end
    local mine = added[prefix]
    if not mine or not next(mine) then return found end
    local more = 0
    for _, member in ipairs(fresh(prefix, mine)) do
      if more == most then break end
      if mine[member[4]] and member[1] >= (least or 0) then
        found[#found + 1] = member
        more = more + 1
      end
    end
    table.sort(found, before)
    while #found > most do table.remove(found) end
    return found
  end

  -- The bucket of a key, {as it was read, taken since, freed since}; and what it keeps of the key.
  local function bucket_of(space, key)
    local a, b = string.byte(key, 1, 2)
    local field = space .. be(2, a * 16 + floor(b / 16))
    local bucket = buckets[field]
    if not bucket then
      bucket = { held = call('HGET', O, field) or '', taken = {}, freed = {} }
      buckets[field] = bucket
    end
    return bucket, string.sub(key, 2)
  end

  -- Where a word of so many bytes stands in a string of such words; or nil.
  function Store.find(words, word)
    local at, width = 1, #word
    while true do
      local found = string.find(words, word, at, true)
      if not found then return nil end
      if (found - 1) % width == 0 then return found end
      at = found + 1
    end
  end

  local function is_held(bucket, rest)
    if bucket.taken[rest] then return true end
    return not bucket.freed[rest] and Store.find(bucket.held, rest) ~= nil
  end

  -- Takes a key, which is then held; false where it was held already.
  function Store.take_key(space, key)
    local bucket, rest = bucket_of(space, key)
    if is_held(bucket, rest) then return false end
    if bucket.freed[rest] then bucket.freed[rest] = nil else bucket.taken[rest] = true end
    return true
  end

  function Store.free_key(space, key)
    local bucket, rest = bucket_of(space, key)
    if not is_held(bucket, rest) then return end
    if bucket.taken[rest] then bucket.taken[rest] = nil else bucket.freed[rest] = true end
  end

  -- A bucket as it is to be kept.
  local function joined(bucket)
    local held, words = bucket.held, {}
    for rest in pairs(bucket.freed) do
      local at = Store.find(held, rest)
      held = string.sub(held, 1, at - 1) .. string.sub(held, at + 7)
    end
    words[1] = held
    for rest in pairs(bucket.taken) do words[#words + 1] = rest end
    return table.concat(words)
  end

  local function each(list, most, act)
    for from = 1, #list, most do
      act(list, from, min(from + most - 1, #list))
    end
  end

  -- Whether something becomes ready in a queue that is empty.
  local function begins()
    for prefix, keys in pairs(added) do
      if string.sub(prefix, 1, 1) == 'q' and next(keys) then
        local to = '[' .. prefix .. string.rep('\255', 16)
        if #call('ZRANGEBYLEX', X, '[' .. prefix, to, 'LIMIT', 0, 1) == 0 then return true end
      end
    end
    return false
  end

  -- Writes all that has changed; tells whether somebody may have waited for it.
  function Store.flush()
    local worth_a_hint = begins()
    local set, del = {}, {}
    for field in pairs(dirty) do
      local value = records[field]
      if value then
        local raw = cmsgpack.pack(value)
        if raw ~= raws[field] then
          set[#set + 1] = field
          set[#set + 1] = raw
        end
      elseif raws[field] ~= false then
        del[#del + 1] = field
      end
    end
    each(set, 500, function(l, a, b) call('HSET', H, unpack(l, a, b)) end)
    each(del, 500, function(l, a, b) call('HDEL', H, unpack(l, a, b)) end)
    local put, out = {}, {}
    for prefix, keys in pairs(added) do
      for key in pairs(keys) do
        put[#put + 1] = 0
        put[#put + 1] = prefix .. key
      end
    end
    for prefix, keys in pairs(gone) do
      for key in pairs(keys) do out[#out + 1] = prefix .. key end
    end
    each(out, 500, function(l, a, b) call('ZREM', X, unpack(l, a, b)) end)
    each(put, 500, function(l, a, b) call('ZADD', X, unpack(l, a, b)) end)
    local held, free = {}, {}
    for field, bucket in pairs(buckets) do
      if next(bucket.taken) or next(bucket.freed) then
        local now = joined(bucket)
        if now == '' then
          free[#free + 1] = field
        else
          held[#held + 1] = field
          held[#held + 1] = now
        end
      end
    end
    each(held, 500, function(l, a, b) call('HSET', O, unpack(l, a, b)) end)
    each(free, 500, function(l, a, b) call('HDEL', O, unpack(l, a, b)) end)
    return worth_a_hint
  end
end
