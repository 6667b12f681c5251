-- Takes back what other workers held.

return run(function(said)
  local tasks = 0
  for _, member in ipairs(Store.first('u', 1000000)) do
    local lease = Lease.load(member[2])
    if lease.worker ~= said.worker then tasks = tasks + Lease.take_back(lease, NOW) end
  end
  Ground.keep()
  return { tasks = tasks }
end)
