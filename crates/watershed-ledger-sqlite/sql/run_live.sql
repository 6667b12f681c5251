-- Runs of a lane that are running or being cancelled, oldest first.
SELECT body FROM run
WHERE connection = :connection AND state IN ('running', 'cancelling')
ORDER BY submitted_at, run;
