-- Where ready work stands in its run and category: `watershed_ledger::order`.

local Order = {}
do
  local KNOWN = 65535
  local CATEGORY = { light = 0, medium = 1, heavy = 2, resource_intensive = 3 }

  local function code(category)
    return category and CATEGORY[category] or 4
  end

  -- The prefix of a queue: kind and step, or category.
  local function queue(run, kind, of)
    return 'q' .. be(4, run.number) .. kind .. be(2, of)
  end

  function Order.aging_prefix(ground, category)
    return 'a' .. be(4, ground.run.number) .. be(2, code(category))
  end

  -- Prefix and rank of what waits for a step.
  local function place(ground, id, bucket, under_way, token_at)
    local step = Ground.step(ground, id)
    local month = step.newest and 65535 - bucket or 0
    local rank = (255 - min(step.depth, 255)) * 16777216 + month * 2 + (under_way and 0 or 1)
    local prefix
    if step.newest and not token_at then
      prefix = queue(ground.run, bucket > 0 and 'D' or 'U', id)
    else
      prefix = queue(ground.run, 'L', code(step.category))
    end
    return prefix, rank
  end

  function Order.needs_no_call(chunk)
    return chunk.bucket == KNOWN
  end

  function Order.of_chunk(ground, chunk)
    local prefix, rank = place(ground, chunk.step, chunk.bucket, false, nil)
    if Order.needs_no_call(chunk) then prefix = queue(ground.run, 'L', 4) end
    return prefix, rank
  end

  function Order.of_task(ground, task)
    return place(ground, task.step, task.bucket, true, task.checkpoint and task.checkpoint.token_at)
  end

  -- The month of what stands in a queue with that rank, 0 where nobody knows it.
  function Order.month_of(rank)
    return 65535 - floor(rank / 2) % 65536
  end

  -- The queues of a category in which anything may be ready: {prefix, kind, step}.
  function Order.queues(ground, category)
    local queues = { { queue(ground.run, 'L', code(category)), 'L' } }
    for i, step in ipairs(ground.plan.steps) do
      local tally = ground.counts.steps[i]
      if step.newest and (step.category or nil) == category and tally.open > tally.leased then
        queues[#queues + 1] = { queue(ground.run, 'D', i - 1), 'D', i - 1 }
        queues[#queues + 1] = { queue(ground.run, 'U', i - 1), 'U', i - 1 }
      end
    end
    return queues
  end

  -- All queues of a run.
  function Order.all(ground)
    local all = {}
    for category = 0, 4 do all[#all + 1] = queue(ground.run, 'L', category) end
    for i, step in ipairs(ground.plan.steps) do
      if step.newest then
        all[#all + 1] = queue(ground.run, 'D', i - 1)
        all[#all + 1] = queue(ground.run, 'U', i - 1)
      end
    end
    return all
  end
end
