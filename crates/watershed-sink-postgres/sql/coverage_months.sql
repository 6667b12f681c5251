-- coverage_months
-- Coverage of a connection ($1) by operation, month of the window's first day, and state.
SELECT
    operation, substr("from", 1, 7) AS month, state, count(*) AS count,
    sum(rows)::bigint AS rows
FROM _coverage
WHERE connection = $1
GROUP BY operation, month, state
ORDER BY operation, month NULLS FIRST, state
