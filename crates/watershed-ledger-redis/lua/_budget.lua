-- Permits: evenly spaced start slots of each limit, and calls of a day; and what answers told of
-- the account. The rules are those of `watershed_ledger::Budget` and `Learned`.

local Budget = {}
do
  local START_WITHIN, ARRIVE_WITHIN, START_BY = 10, 25, 500
  local RESERVED_UNTIL = 22 * 3600000
  local STEP_MAX_US = DAY * 1000
  local CLOSED_MAX = 25 * 3600000
  -- A worker that asks the sink, and ends before it has told, leaves that to the next one.
  local RECOUNT = 250
  local RETURNED_AHEAD, RETURNED_MAX = 5000, 256
  local PERIOD = { second = 1000, minute = 60000, day = DAY }
  local BIT = { light = 1, medium = 2, heavy = 4, resource_intensive = 8 }
  local NAMES = { 'light', 'medium', 'heavy', 'resource_intensive' }
  local HELD, CUT, CUTS_MAX, BURST, BACK = 60000, 0.7, 3, 2000, 60000
  local CONFIRMED, LEAST, NOTED, NOTED_CALLS, SECONDS_APART = 0.5, 0.5, 0.1, 2, 10

  local function names(limit, category)
    return floor(limit.categories / BIT[category]) % 2 == 1
  end

  -- What was learned.

  local function others(l, now)
    local forgotten = (now - l.others_at - HELD) / HELD
    return l.others * (1 - max(0, min(1, forgotten)))
  end

  local function cuts_left(l, now)
    return max(0, l.cuts - floor(max(0, now - l.cut_at) / BACK))
  end

  local function room(l, limit, now)
    local all = limit.calls
    if l.limit > 0 then
      all = l.limit - others(l, now)
    elseif limit.of > 0 then
      all = limit.of
    end
    return max(all * CUT ^ cuts_left(l, now), min(LEAST, limit.calls))
  end

  local function calls_of(l, limit, now)
    local lower = 1
    if l.limit > 0 and l.limit < limit.of then lower = l.limit / limit.of end
    local share = limit.calls * lower * CUT ^ cuts_left(l, now)
    return max(min(share, room(l, limit, now)), min(LEAST, limit.calls))
  end

  local function learned(budget, category)
    local l = budget.learned[category]
    if not l then
      l = { limit = 0, others = 0, others_at = 0, told = 0, peaks = { 0, 0, 0 }, second = 0,
            cuts = 0, cut_at = 0 }
      budget.learned[category] = l
    end
    return l
  end

  -- What each of the last seconds told at least once, after an answer told that.
  local function lowest_peak(l, told, now)
    local second = floor(now / 1000)
    local past, peaks = second - l.second, l.peaks
    if past ~= 0 then
      if past > 0 and past <= SECONDS_APART then
        peaks = { told, peaks[1], peaks[2] }
      else
        peaks = { told, 0, 0 }
      end
      l.peaks, l.second = peaks, second
    end
    peaks[1] = max(peaks[1], told)
    return min(peaks[1], peaks[2], peaks[3])
  end

  -- `counted`: exactly, by one process that makes the calls, or by many.
  local function hear(l, left, own, counted, now)
    l.limit = left.limit
    local told = left.limit - left.remaining - own
    local seen = told
    if counted == 'by_one' then
      seen = min(told, l.told)
    elseif counted == 'by_many' then
      seen = lowest_peak(l, told, now)
    end
    l.told = told
    if seen <= max(left.limit * NOTED, NOTED_CALLS) then return end
    if seen >= others(l, now) then
      l.others, l.others_at = seen, now
    elseif seen >= l.others * CONFIRMED then
      l.others_at = now
    end
  end

  local function cut(l, now)
    local past = now - l.cut_at
    if l.cuts > 0 and past >= 0 and past < BURST then return end
    l.cuts = min(cuts_left(l, now) + 1, CUTS_MAX)
    l.cut_at = now
  end

  -- Slots.

  local function gap_us(budget, limit, now)
    local share = limit.calls
    local all = limit.of > 0 and limit.of or limit.calls
    for _, category in ipairs(NAMES) do
      local l = names(limit, category) and budget.learned[category]
      if l then
        share = min(share, calls_of(l, limit, now))
        all = min(all, room(l, limit, now))
      end
    end
    local ms = PERIOD[limit.period]
    local own, arrive = (ms + START_WITHIN) * 1000 / share, (ms + ARRIVE_WITHIN) * 1000 / all
    return math.ceil(max(own, arrive))
  end

  local function next_slot_us(gap, used, now)
    local now_us = now * 1000
    if used.next_us - now_us > gap + STEP_MAX_US then return now_us end
    return used.next_us
  end

  local function within(used, at_us, period_us)
    local periods = floor(at_us / period_us) - used.day
    local past = (at_us % period_us) / period_us
    local here, last = 0, 0
    if periods == 0 then
      here, last = used.used, used.last
    elseif periods == 1 then
      last = used.used
    end
    return here + math.ceil(last * (1 - past))
  end

  local function today(used, now)
    return used.day == day_of(now) and used.used + used.before or 0
  end

  -- Nothing is counted yet in that period.
  local function begin(used, period)
    used.day, used.used, used.others, used.before, used.at = period, 0, 0, 0, 0
  end

  local function day_calls(limit, used, now)
    local share = floor(max(limit.calls, 0))
    if used.day ~= day_of(now) or used.others == 0 then return share end
    return min(share, max(0, used.limit - used.others))
  end

  -- The next slot of that category that was given back, and its place among them.
  local function returned(budget, category, now)
    local first, place
    for i, slot in ipairs(budget.returned or {}) do
      if slot[1] == category and slot[2] >= now and (not first or slot[2] < first) then
        first, place = slot[2], i
      end
    end
    return first, place
  end

  -- `again`: it was given back.
  local function take(budget, category, slot_us, again, now)
    local own = 0
    local gaps = {}
    for i, limit in ipairs(budget.limits) do gaps[i] = gap_us(budget, limit, now) end
    for i, limit in ipairs(budget.limits) do
      if names(limit, category) then
        local used = budget.used[i]
        local period_us = PERIOD[limit.period] * 1000
        if limit.period == 'day' or not again then
          local period = day_of(now)
          if limit.period ~= 'day' then
            used.next_us = slot_us + gaps[i]
            period = floor(slot_us / period_us)
          end
          if used.day ~= period then
            used.last = used.day + 1 == period and used.used or 0
            begin(used, period)
          end
          used.used = used.used + 1
        end
        if limit.period == 'day' then
          used.at = max(used.at + 1, now)
        else
          local most = floor((period_us - 1) / gaps[i]) + 1
          own = max(own, min(within(used, slot_us, period_us), most))
        end
      end
    end
    return min(own, 65535)
  end

  function Budget.of()
    return Store.get('g') or { limits = {}, used = {}, closed = {}, learned = {}, labels = {} }
  end

  function Budget.keep(budget)
    Store.put('g', budget)
  end

  -- Takes over new limits; what was given under limits of the same categories and period counts.
  function Budget.set(budget, limits)
    local used = {}
    for i, limit in ipairs(limits) do
      for at, known in ipairs(budget.limits) do
        if known.categories == limit.categories and known.period == limit.period then
          used[i] = used[i] or budget.used[at]
        end
      end
      used[i] = used[i] or { next_us = 0, day = 0, used = 0, last = 0, others = 0, limit = 0,
                             before = 0, at = 0 }
    end
    -- What was returned lies as far apart as the former limits said, and so does all before the
    -- next slot.
    local next_us = 0
    for _, known in ipairs(budget.used) do next_us = max(next_us, known.next_us) end
    budget.limits, budget.used, budget.returned = limits, used, nil
    budget.returned_from = floor(next_us / 1000)
  end

  -- Takes over what is told of today's calls, where that is later than what is counted here, or was
  -- asked for: of an earlier state of this ledger, which was lost. The larger count stands. Whether
  -- that is another one.
  function Budget.recall(budget, told, asked, now)
    local larger = false
    for i, limit in ipairs(budget.limits) do
      local used = budget.used[i]
      for _, day in ipairs(told) do
        local counts = limit.period == 'day' and day.categories == limit.categories
        -- A clock that stepped back over midnight counts another day.
        if counts and day.day == day_of(now) and used.day <= day.day then
          if used.day < day.day then begin(used, day.day) end
          if asked or day.at > used.at then
            local more = max(0, day.calls - today(used, now))
            used.before, used.at = used.before + more, max(used.at, day.at)
            larger = larger or more > 0
          end
        end
      end
    end
    return larger
  end

  -- Calls of today under each limit of a day, as they are counted here. None while the sink is
  -- asked: it knows better.
  function Budget.today(budget, now)
    local days = {}
    if budget.recount then return days end
    for i, limit in ipairs(budget.limits) do
      local used = budget.used[i]
      if limit.period == 'day' and used.day == day_of(now) then
        days[#days + 1] = { categories = limit.categories, day = used.day,
                            calls = today(used, now), at = used.at }
      end
    end
    return days
  end

  -- A permit {from, until, own}; or nil, and when it is worth asking again. With `look` nothing
  -- is taken.
  function Budget.permit(budget, claim, now, horizon, look)
    local category = claim.category
    local slot_us = now * 1000
    local closed = budget.closed[category]
    if closed then
      if closed > now and closed - now <= CLOSED_MAX then return nil, closed end
      if not look then budget.closed[category] = nil end
    end
    for i, limit in ipairs(budget.limits) do
      if names(limit, category) then
        local used = budget.used[i]
        if limit.calls <= 0 then return nil, next_day(now) end
        if limit.period == 'day' then
          if used.day == day_of(now) + 1 then return nil, next_day(now) end
          -- Something was lost, and the sink has not been asked since what was given before.
          if budget.recount then return nil, now + RECOUNT end
          local wanted = today(used, now) + claim.leave
          local left = day_calls(limit, used, now)
          if wanted >= left then return nil, next_day(now) end
          local free_for_all = day_of(now) * DAY + RESERVED_UNTIL
          local kept_back = floor(max(limit.reserve, 0))
          if not claim.event and now < free_for_all and wanted + kept_back >= left then
            return nil, free_for_all
          end
        else
          slot_us = max(slot_us, next_slot_us(gap_us(budget, limit, now), used, now))
        end
      end
    end
    local again, place = returned(budget, category, now)
    if again and again - now > horizon then again = nil end
    local from = again or math.ceil(slot_us / 1000)
    if from - now > horizon then return nil, from - horizon end
    if day_of(from) ~= day_of(now) then return nil, from end
    if look then return { from, from, 0 } end
    if again then table.remove(budget.returned, place) end
    local own = take(budget, category, again and again * 1000 or slot_us, again, now)
    return { from, min(from + START_BY, next_day(from) - 1), own }
  end

  -- A permit whose call never started: its day's call is free again, and its slot if that is
  -- still to come.
  function Budget.give_back(budget, category, from, now)
    local kept = {}
    for _, slot in ipairs(budget.returned or {}) do
      if slot[2] > now and slot[2] - now <= RETURNED_AHEAD then kept[#kept + 1] = slot end
    end
    local again = from >= (budget.returned_from or 0)
    if again and from > now and from - now <= RETURNED_AHEAD and #kept < RETURNED_MAX then
      kept[#kept + 1] = { category, from }
    end
    budget.returned = #kept > 0 and kept or nil
    for i, limit in ipairs(budget.limits) do
      local used = budget.used[i]
      if limit.period == 'day' and names(limit, category) and used.day == day_of(from) then
        used.used = max(0, used.used - 1)
        used.at = max(used.at + 1, now)
      end
    end
  end

  local function hear_of_period(budget, heard, slot, now)
    local category, left = heard.category, heard.left
    local own, counted = slot[3], 'by_many'
    if heard.alone then
      own, counted = 1, 'exactly'
    elseif heard.own then
      own, counted = max(own, heard.own), 'by_one'
    end
    local before = {}
    for i, limit in ipairs(budget.limits) do before[i] = gap_us(budget, limit, now) end
    hear(learned(budget, category), left, own, counted, now)
    for i, limit in ipairs(budget.limits) do
      if limit.period ~= 'day' and names(limit, category) then
        local used, period_us = budget.used[i], PERIOD[limit.period] * 1000
        local wider = max(0, gap_us(budget, limit, now) - before[i])
        local taken = within(used, used.next_us, period_us)
        taken = min(taken, floor(period_us / before[i]) + 1)
        local pause = wider > 0 and period_us / 8 or 0
        used.next_us = used.next_us + wider * taken + pause
      end
    end
  end

  -- What an answer told of the call that had that slot.
  function Budget.hear(budget, operation, planned, heard, slot, now)
    if planned == heard.category then
      budget.labels[operation] = nil
    else
      budget.labels[operation] = heard.category
    end
    local left = heard.left
    if not left then return end
    if not left.daily then
      return hear_of_period(budget, heard, slot, now)
    end
    for i, limit in ipairs(budget.limits) do
      local used = budget.used[i]
      if limit.period == 'day' and names(limit, heard.category) and used.day == day_of(slot[1])
      then
        local spent = max(0, left.limit - left.remaining)
        used.others = max(used.others, max(0, spent - used.used - used.before))
        used.limit = left.limit
      end
    end
  end

  -- A 429: the category (for a daily one, all that share its day) is closed until then.
  function Budget.throttle(budget, throttle, now)
    local till = min(max(throttle['until'], now), now + CLOSED_MAX)
    local closing = { throttle.category }
    if not throttle.daily then
      cut(learned(budget, throttle.category), now)
    else
      for _, limit in ipairs(budget.limits) do
        if limit.period == 'day' and names(limit, throttle.category) then
          for _, category in ipairs(NAMES) do
            if names(limit, category) then closing[#closing + 1] = category end
          end
        end
      end
    end
    for _, category in ipairs(closing) do
      budget.closed[category] = max(budget.closed[category] or till, till)
    end
  end

  -- Calls of the day that are left to a category, and of how many; nil where no limit counts it.
  function Budget.left_today(budget, category, now)
    local left, of
    for i, limit in ipairs(budget.limits) do
      if limit.period == 'day' and names(limit, category) then
        local calls = day_calls(limit, budget.used[i], now)
        local here = max(0, calls - today(budget.used[i], now))
        if not left or here < left or (here == left and calls < of) then left, of = here, calls end
      end
    end
    return left, of
  end

  -- Calls that a category has a day, whatever was used of them.
  function Budget.day_calls(budget, category)
    local calls
    for _, limit in ipairs(budget.limits) do
      if limit.period == 'day' and names(limit, category) then
        calls = min(calls or math.huge, floor(max(limit.calls, 0)))
      end
    end
    return calls
  end

  -- Milliseconds between two calls of a category at its best.
  function Budget.gap_ms(budget, category, now)
    local gap = 0
    for _, limit in ipairs(budget.limits) do
      if limit.period ~= 'day' and names(limit, category) then
        gap = max(gap, gap_us(budget, limit, now) / 1000)
      end
    end
    return gap
  end
end
