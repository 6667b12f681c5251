-- The account's limits, as configuration and tier say, and what the sink knows of its days.

return run(function(said)
  local budget = Budget.of()
  Budget.set(budget, said.limits)
  -- The sink knows more: something was lost, and workers may know still more.
  if Budget.recall(budget, said.days, NOW, 'sink') then cool_down() end
  Budget.keep(budget)
  return { days = Budget.today(budget, NOW) }
end, true)
