-- The account's limits, as configuration and tier say.

return run(function(said)
  local budget = Budget.of()
  Budget.set(budget, said.limits)
  Budget.keep(budget)
  return {}
end)
