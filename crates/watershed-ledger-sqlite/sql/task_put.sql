-- Keeps a task and where it stands.
INSERT INTO task (id, run, leased, lost, due_at, token_at, category, queue, rank, body)
VALUES (:id, :run, :leased, :lost, :due_at, :token_at, :category, :queue, :rank, :body)
ON CONFLICT (id) DO UPDATE SET leased = excluded.leased, lost = excluded.lost,
  due_at = excluded.due_at, token_at = excluded.token_at, category = excluded.category,
  queue = excluded.queue, rank = excluded.rank, body = excluded.body;
