SELECT place, connection, "key", event, event_at, received_at, body
FROM _inbox
WHERE connection = :connection AND done_at IS NULL AND place > :after
ORDER BY place
LIMIT :limit
