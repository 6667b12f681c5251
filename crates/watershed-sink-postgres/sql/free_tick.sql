-- free_tick
UPDATE _ticks
SET state = $4, why = $5, run = $6, at = $7
WHERE workflow = $1 AND connection = $2 AND due_at = $3
    AND state = 'queued'
RETURNING due_at
