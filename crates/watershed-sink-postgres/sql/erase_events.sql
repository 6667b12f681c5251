-- erase_events
UPDATE _inbox AS i SET body = given.body
FROM unnest($1::text[], $2::text[], $3::jsonb[]) AS given (connection, "key", body)
WHERE i.connection = given.connection AND i."key" = given."key" AND i.done_at IS NULL
