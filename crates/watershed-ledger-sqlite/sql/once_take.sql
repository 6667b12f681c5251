-- Takes a key, unless it is open.
INSERT INTO once (connection, operation, key) VALUES (:connection, :operation, :key)
ON CONFLICT DO NOTHING;
