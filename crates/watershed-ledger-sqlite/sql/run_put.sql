-- Keeps a run.
INSERT INTO run (run, submitted_at, body) VALUES (:run, :submitted_at, :body)
ON CONFLICT (run) DO UPDATE SET body = excluded.body;
