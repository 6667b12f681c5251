-- Keeps a worker's leases for another lease time; tells which are no longer its own.

return run(function(said)
  local lost = {}
  for _, id in ipairs(said.leases) do
    local lease = Lease.load(id)
    if lease and lease.worker == said.worker then
      Lease.extend(lease, NOW + said.lease_ms)
    else
      lost[#lost + 1] = id
    end
  end
  return { leases = lost }
end)
