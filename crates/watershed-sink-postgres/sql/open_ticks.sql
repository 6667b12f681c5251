SELECT t.workflow, t.connection, t.due_at, t.schedule, t.state, t.why, t.run, t.at,
    r.state AS run_state
FROM _ticks AS t
LEFT JOIN _runs AS r ON r.id = t.run
WHERE t.workflow = $1 AND t.connection = $2
    AND (
        t.state = 'queued'
        OR (t.state = 'run' AND r.state NOT IN ('cancelled', 'failed', 'complete'))
    )
ORDER BY t.due_at
