UPDATE _ticks
SET state = :state, why = :why, run = :run, at = :at
WHERE workflow = :workflow AND connection = :connection AND due_at = :due_at
    AND state = 'queued'
