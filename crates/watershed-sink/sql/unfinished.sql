SELECT *
FROM _runs
WHERE connection = :connection
    AND plan = :plan
    AND inputs = :inputs
    AND state NOT IN ('cancelled', 'complete')
ORDER BY started_at DESC, id DESC
LIMIT 1
