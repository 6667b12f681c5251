-- runs
SELECT id, connection, workflow, source, plan, inputs, granted, "trigger", state, started_at,
    ended_at, evidence
FROM _runs
WHERE $1::text IS NULL OR connection = $1
ORDER BY started_at DESC, id DESC
LIMIT $2
