-- How many tasks are delayed.
SELECT count(*) FROM task WHERE run = :run AND rank IS NULL AND leased = 0;
