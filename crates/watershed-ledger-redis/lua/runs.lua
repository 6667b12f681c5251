-- All runs of the account, the newest first, at most 500. Changes nothing.

return (function()
  local lines = {}
  local members = call('ZREVRANGEBYLEX', KEYS[2], '[R' .. string.rep('\255', 16), '[R', 'LIMIT', 0, 500)
  for _, member in ipairs(members) do
    local _, number = struct.unpack('>I7I7', member, 2)
    local run = Store.get('r' .. Store.get('N' .. be(4, number))[1])
    local plan = Store.get('P' .. run.plan_hash)
    lines[#lines + 1] = { run.run, plan.name, run.connection, run.state, run.submitted_at,
                          run.ended_at }
  end
  return cmsgpack.pack({ ok = true, now = NOW, lines = lines })
end)()
