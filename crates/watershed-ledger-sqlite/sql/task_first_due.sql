-- When the first delayed task is due.
SELECT due_at FROM task
WHERE run = :run AND rank IS NULL AND leased = 0 ORDER BY due_at LIMIT 1;
