-- Pause, resume, cancel.

local turns = {}

function turns.pause(ground)
  if ground.run.state == 'running' then
    Ground.turn(ground, 'paused')
  elseif ground.run.state ~= 'paused' then
    Runs.illegal('pause', ground.run)
  end
end

function turns.resume(ground)
  local state = ground.run.state
  if state == 'paused' or state == 'failed' then
    Ground.turn(ground, 'running')
    ground.run.why, ground.run.ended_at = false, false
    Fold.settle(ground, ground.run.root, NOW)
  elseif state ~= 'running' then
    Runs.illegal('resume', ground.run)
  end
end

function turns.cancel(ground)
  local state = ground.run.state
  if state == 'running' or state == 'paused' or state == 'failed' then
    Ground.turn(ground, 'cancelling')
    ground.run.why, ground.run.ended_at = false, false
    Spawn.free_buried(ground)
    Runs.sweep(ground, NOW)
  elseif state ~= 'cancelling' and state ~= 'cancelled' then
    Runs.illegal('cancel', ground.run)
  end
end

return run(function(said)
  local ground = Ground.of(said.run)
  turns[said.turn](ground)
  Ground.keep()
  return { wake = said.turn == 'resume' }
end)
