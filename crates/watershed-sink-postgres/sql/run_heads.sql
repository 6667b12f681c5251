-- run_heads
SELECT id, connection, workflow, "trigger", state, started_at, ended_at, evidence
FROM _runs
WHERE $1::text IS NULL OR connection = $1
ORDER BY started_at DESC, id DESC
LIMIT $2
