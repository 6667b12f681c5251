-- Coverage of a connection by operation, month of the window's first day, and state.
SELECT
    operation, substr("from", 1, 7) AS month, state, count(*) AS count, sum(rows) AS rows
FROM _coverage
WHERE connection = :connection
GROUP BY operation, substr("from", 1, 7), state
ORDER BY operation, month, state
