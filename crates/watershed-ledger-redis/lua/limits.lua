-- The account's limits, as configuration and tier say, and what the sink knows of its days: as an
-- answer asked for it, where `recount` says when that was.

return run(function(said)
  local budget = Budget.of()
  Budget.set(budget, said.limits)
  local asked = said.recount and said.recount == budget.recount
  local larger = Budget.recall(budget, said.days, asked, NOW)
  if asked then
    budget.recount = nil
  elseif larger then
    -- Something was lost.
    cool_down(budget)
  end
  Budget.keep(budget)
  return {}
end)
