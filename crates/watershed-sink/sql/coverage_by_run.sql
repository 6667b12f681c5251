SELECT
    operation,
    run,
    sum(state NOT IN ('waiting', 'partial', 'failed')) AS whole,
    sum(state = 'waiting') AS waiting,
    sum(state IN ('partial', 'failed')) AS open
FROM _coverage
WHERE connection = :connection
GROUP BY operation, run
ORDER BY operation, run
