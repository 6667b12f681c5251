-- Delayed tasks that are due, the first ones first.
SELECT id FROM task
WHERE run = :run AND rank IS NULL AND leased = 0 AND due_at <= :now ORDER BY due_at, id LIMIT :max;
