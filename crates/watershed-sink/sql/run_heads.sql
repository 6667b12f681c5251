SELECT id, connection, workflow, "trigger", state, started_at, ended_at, evidence
FROM _runs
WHERE :connection IS NULL OR connection = :connection
ORDER BY started_at DESC, id DESC
LIMIT :limit
