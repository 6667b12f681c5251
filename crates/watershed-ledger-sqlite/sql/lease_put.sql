-- Keeps a lease.
INSERT INTO lease (id, worker, run, until, tasks, body) VALUES (:id, :worker, :run, :until, :tasks, :body)
ON CONFLICT (id) DO UPDATE SET until = excluded.until, tasks = excluded.tasks, body = excluded.body;
