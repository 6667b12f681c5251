-- Keeps a run.
INSERT INTO run (run, connection, state, submitted_at, body)
VALUES (:run, :connection, :state, :submitted_at, :body)
ON CONFLICT (run) DO UPDATE SET state = excluded.state, body = excluded.body;
