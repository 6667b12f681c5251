-- run
SELECT id, connection, workflow, source, plan, inputs, granted, "trigger", state, started_at,
    ended_at, evidence
FROM _runs
WHERE id = $1
