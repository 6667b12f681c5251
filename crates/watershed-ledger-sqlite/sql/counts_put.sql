-- Keeps a run's counts.
INSERT INTO counts (run, body) VALUES (:run, :body) ON CONFLICT (run) DO UPDATE SET body = excluded.body;
