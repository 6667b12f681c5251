-- All runs of the account, the newest first, at most 500. Changes nothing.

return look(function()
  local lines = {}
  local members = call('ZREVRANGEBYLEX', KEYS[2], '[R' .. string.rep('\255', 16), '[R', 'LIMIT', 0, 500)
  for _, member in ipairs(members) do
    local _, number = struct.unpack('>I7I7', member, 2)
    local name = Store.get('N' .. be(4, number))
    local run = name and Store.get('r' .. name[1])
    if not run then damaged('run ' .. number .. ' is missing') end
    local plan = Store.get('P' .. run.plan_hash)
    if not plan then damaged('the plan of run ' .. run.run .. ' is missing') end
    lines[#lines + 1] = { run.run, plan.name, run.connection, run.state, run.submitted_at,
                          run.ended_at }
  end
  return { lines = lines }
end)
