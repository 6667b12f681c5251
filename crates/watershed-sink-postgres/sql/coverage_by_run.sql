-- coverage_by_run
SELECT
    operation,
    run,
    count(*) FILTER (WHERE state NOT IN ('waiting', 'partial', 'failed')) AS whole,
    count(*) FILTER (WHERE state = 'waiting') AS waiting,
    count(*) FILTER (WHERE state IN ('partial', 'failed')) AS open
FROM _coverage
WHERE connection = $1
GROUP BY operation, run
ORDER BY operation COLLATE "C", run COLLATE "C"
