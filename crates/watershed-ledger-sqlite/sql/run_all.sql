-- All runs, oldest first.
SELECT body FROM run ORDER BY submitted_at, run;
