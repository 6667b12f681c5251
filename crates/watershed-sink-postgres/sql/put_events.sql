-- put_events
-- Gives the keys that are new. No key may come twice.
INSERT INTO _inbox (connection, "key", event, event_at, received_at, body)
SELECT connection, "key", event, event_at, received_at, body
FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::jsonb[])
    WITH ORDINALITY AS e (connection, "key", event, event_at, received_at, body, n)
ORDER BY n
ON CONFLICT (connection, "key") DO NOTHING
RETURNING connection, "key"
