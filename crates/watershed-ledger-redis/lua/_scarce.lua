-- What waits although it is ready, for the sake of what is scarce: `watershed_ledger::scarce`.

local Scarce = {}
do
  local DAYS_WAITING, KNOWN_FROM, DOUBT = 2, 20, 2
  local REST_MORE, REST_MORE_MS = 1.1, 600000

  local function category(s, step)
    if not step.category then return nil end
    return s.budget.labels[step.operation] or step.category
  end

  local function day_calls(s, step)
    local counted = step.newest and category(s, step)
    return counted and Budget.day_calls(s.budget, counted) or nil
  end

  local function dated(tally, from)
    local open = 0
    for at = 1, #tally.months, 2 do
      if tally.months[at] >= from then open = open + tally.months[at + 1] end
    end
    return open
  end

  local function closed(tally)
    return tally.done + tally.skipped + tally.unavailable + tally.waiting + tally.failed
  end

  local held

  -- Whether a step has enough of that month and newer ones.
  local function full(s, id, month)
    local calls = day_calls(s, Ground.step(s.ground, id))
    if calls then
      local enough = max(calls * DAYS_WAITING, 1)
      return dated(Ground.tally(s.ground, id), month) >= enough
    end
    return held(s, id, month)
  end

  -- Whether items of that month, and all older ones, are held back.
  function held(s, id, month)
    local step = Ground.step(s.ground, id)
    if not step.newest or day_calls(s, step) then return false end
    local enough = false
    for _, fed in ipairs(step.feeds) do
      if fed > id and Ground.tally(s.ground, fed).known > 0 then
        if not full(s, fed, month) then return false end
        enough = true
      end
    end
    return enough
  end

  local function brings(s, id, month)
    local tally = Ground.tally(s.ground, id)
    if tally.open > dated(tally, 0) then return true end
    local newest = tally.months[#tally.months - 1]
    return newest ~= nil and newest > month and not held(s, id, newest)
  end

  local function above(s, id)
    local known, list, todo = {}, {}, { id }
    while #todo > 0 do
      for _, feeder in ipairs(Ground.step(s.ground, table.remove(todo)).from) do
        if not known[feeder] then
          known[feeder] = true
          list[#list + 1] = feeder
          todo[#todo + 1] = feeder
        end
      end
    end
    table.sort(list)
    return list
  end

  local function expected(s, id, list)
    local to_come = {}
    list[#list + 1] = id
    for _, step in ipairs(list) do
      local pending, gone, open = 0, 0, 0
      for _, from in ipairs(Ground.step(s.ground, step).from) do
        local tally = Ground.tally(s.ground, from)
        pending = pending + tally.open + (to_come[from] or 0)
        gone, open = gone + closed(tally), open + tally.open
      end
      if pending > 0 then
        if gone == 0 or (gone < KNOWN_FROM and gone < open) then return math.huge end
        local doubt = gone < KNOWN_FROM and DOUBT or 1
        to_come[step] = pending * doubt * Ground.tally(s.ground, step).known / gone
      end
    end
    list[#list] = nil
    local tally = Ground.tally(s.ground, id)
    return max(0, tally.open - tally.leased) + (to_come[id] or 0)
  end

  -- When the wait for newer months ends; nil where nothing waits.
  local function newer(s, id, month)
    local step = Ground.step(s.ground, id)
    local counted = step.newest and category(s, step)
    if not counted then return nil end
    local left = Budget.left_today(s.budget, counted, s.now)
    if not left or left == 0 then return nil end
    local rest = left * Budget.gap_ms(s.budget, counted, s.now) * REST_MORE
    rest = min(rest + REST_MORE_MS, DAY)
    local till = next_day(s.now) - floor(rest)
    if s.now >= till then return nil end
    local list = above(s, id)
    local bringing = false
    for _, from in ipairs(list) do bringing = bringing or brings(s, from, month) end
    if not bringing then return nil end
    return expected(s, id, list) > left and till or nil
  end

  -- Whether a queue's items of that month and older are barred; and until when, where a time
  -- lifts the bar.
  function Scarce.bar(s, kind, step, month)
    if s.event or kind == 'L' then return false end
    if kind == 'D' and held(s, step, month) then return true end
    local till = newer(s, step, kind == 'D' and month or 0)
    return till ~= nil, till
  end

  -- `now`: when a call that is leased now could start.
  function Scarce.of(ground, budget, now)
    return { ground = ground, budget = budget, event = ground.run.trigger == 'event', now = now }
  end
end
