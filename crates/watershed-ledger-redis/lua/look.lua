-- A run as it stands: what `watershed_ledger::show` makes a view of. Changes nothing.

return look(function(said)
  local run = Store.get('r' .. said.run)
  if not run then return { there = false } end
  local ground = Ground.of(said.run)
  local number = be(4, run.number)
  local heads = {}
  for _, prefix in ipairs(Order.all(ground)) do
    local head = Store.first(prefix, 1)[1]
    if head then
      local kind, of = struct.unpack('>c1I2', prefix, 6)
      heads[#heads + 1] = { kind, of, head[1] }
    end
  end
  local function waiting(prefix)
    local from, to = '[' .. prefix .. number, '[' .. prefix .. number .. string.rep('\255', 16)
    local first = Store.first(prefix .. number, 1)[1]
    return { call('ZLEXCOUNT', KEYS[2], from, to), first and first[1] or false }
  end
  return { there = true, record = run, counts = ground.counts, budget = Budget.of(),
           plan = Store.get('Q' .. run.plan_hash)[1], heads = heads, retries = waiting('d'),
           not_yet = waiting('n'), leased = Ground.leased(ground) }
end)
