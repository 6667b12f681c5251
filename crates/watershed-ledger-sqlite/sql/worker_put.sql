-- Keeps a worker's last exchange.
INSERT INTO worker (worker, body) VALUES (:worker, :body) ON CONFLICT (worker) DO UPDATE SET body = excluded.body;
