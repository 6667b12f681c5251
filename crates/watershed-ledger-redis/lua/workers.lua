-- Workers that this account has heard of: name, when, leases that it has. At most 500, those that
-- came last first. Changes nothing.

return look(function()
  local workers, names = {}, Store.get('W') or {}
  for at = #names, max(1, #names - 499), -1 do
    local record = Store.get('w' .. names[at])
    if record then workers[#workers + 1] = { names[at], record.seen or NOW, record.held } end
  end
  return { workers = workers }
end)
