-- unfinished
SELECT id, connection, workflow, source, plan, inputs, granted, "trigger", state, started_at,
    ended_at, evidence
FROM _runs
WHERE connection = $1
    AND plan = $2
    AND inputs = $3
    AND state NOT IN ('cancelled', 'complete')
ORDER BY started_at DESC, id DESC
LIMIT 1
