-- Changes one row where the event is new, none where it is known.
INSERT INTO _inbox (connection, "key", event, event_at, received_at, body)
VALUES (:connection, :key, :event, :event_at, :received_at, :body)
ON CONFLICT (connection, "key") DO NOTHING
