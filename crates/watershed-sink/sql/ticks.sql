SELECT t.*, r.state AS run_state
FROM _ticks AS t
LEFT JOIN _runs AS r ON r.id = t.run
WHERE t.workflow = :workflow AND t.connection = :connection
ORDER BY t.due_at DESC
LIMIT :limit
