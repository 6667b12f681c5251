INSERT INTO _ticks (workflow, connection, due_at, schedule, state, why, run, at)
VALUES (:workflow, :connection, :due_at, :schedule, :state, :why, :run, :at)
ON CONFLICT (workflow, connection, due_at) DO NOTHING
