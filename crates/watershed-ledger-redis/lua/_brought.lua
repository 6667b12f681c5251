-- Keys that a listing has brought, 8 bytes each: a few in one record; many in a record for each of
-- so many parts, so that a page reads and writes what its own keys fall into, not all of them.
-- `task.keyed` is how many there are, or false.

local Brought = {}
do
  local FEW, PARTS = 4096, 64

  local function field(task)
    return 'K' .. id7(task.id)
  end

  local function part(task, key)
    return field(task) .. string.char(string.byte(key, 8) % PARTS)
  end

  -- A question: whether the listing has brought a key.
  function Brought.asked(task)
    if not task.keyed then return function() return false end end
    if task.keyed > FEW then
      return function(key)
        local known = Store.get(part(task, key))
        return known and Store.find(known[1], key) ~= nil
      end
    end
    local keys, known = Store.get(field(task))[1], {}
    for at = 1, #keys, 8 do known[string.sub(keys, at, at + 7)] = true end
    return function(key) return known[key] end
  end

  local function spread(task, keys)
    local parts = {}
    for _, key in ipairs(keys) do
      local place = part(task, key)
      local here = parts[place]
      if not here then
        local known = Store.get(place)
        here = { known and known[1] or nil }
        parts[place] = here
      end
      here[#here + 1] = key
    end
    for place, here in pairs(parts) do Store.put(place, { table.concat(here) }) end
  end

  -- Keeps keys that are new.
  function Brought.add(task, keys)
    local before = task.keyed or 0
    task.keyed = before + #keys
    if before > FEW then return spread(task, keys) end
    local known = Store.get(field(task))
    local all = (known and known[1] or '') .. table.concat(keys)
    if task.keyed <= FEW then return Store.put(field(task), { all }) end
    local list = {}
    for at = 1, #all, 8 do list[#list + 1] = string.sub(all, at, at + 7) end
    Store.forget(field(task))
    spread(task, list)
  end

  -- The listing is over.
  function Brought.forget(task)
    if not task.keyed then return end
    Store.forget(field(task))
    if task.keyed <= FEW then return end
    for at = 0, PARTS - 1 do Store.forget(field(task) .. string.char(at)) end
  end
end
