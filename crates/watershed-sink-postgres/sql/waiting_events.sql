-- waiting_events
SELECT place, connection, "key", event, event_at, received_at, body
FROM _inbox
WHERE connection = $1 AND done_at IS NULL AND place > $2
ORDER BY place
LIMIT $3
