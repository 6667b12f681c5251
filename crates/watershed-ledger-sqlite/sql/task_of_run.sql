-- Tasks of a run that are not leased.
SELECT id FROM task WHERE run = :run AND leased = 0 ORDER BY id LIMIT :max;
