-- Tasks that may be leased, the first ones first.
SELECT id, rank FROM task
WHERE run = :run AND queue = :queue AND rank IS NOT NULL ORDER BY rank, id LIMIT :max;
