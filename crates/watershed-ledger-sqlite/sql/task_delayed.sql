-- How many tasks are delayed, those whose answer was not there yet or the others.
SELECT count(*) FROM task
WHERE run = :run AND rank IS NULL AND leased = 0 AND coalesce(body ->> '$.not_yet', 0) = :not_yet;
