-- A run as it stands: what `watershed_ledger::show` makes a view of. Changes nothing.

return (function()
  local said = cmsgpack.unpack(ARGV[3])
  local meta = Store.get('m')
  if not meta then return cmsgpack.pack({ kind = 'gone' }) end
  if meta.version ~= STATE_VERSION then
    return cmsgpack.pack({ kind = 'version', place = 'the ledger on Redis', found = meta.version,
                           known = STATE_VERSION })
  end
  local run = Store.get('r' .. said.run)
  if not run then return cmsgpack.pack({ ok = true, there = false, now = NOW }) end
  local went, answer = pcall(function()
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
    return { ok = true, there = true, now = NOW, record = run, counts = ground.counts,
             budget = Budget.of(), plan = Store.get('Q' .. run.plan_hash)[1], heads = heads,
             retries = waiting('d'), not_yet = waiting('n'), leased = Ground.leased(ground) }
  end)
  if not went then
    if type(answer) ~= 'table' then answer = { kind = 'corrupt', why = tostring(answer) } end
  end
  return cmsgpack.pack(answer)
end)()
