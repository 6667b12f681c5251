-- Takes a key, unless it is open.
INSERT INTO once (name, key) VALUES (:name, :key) ON CONFLICT DO NOTHING;
