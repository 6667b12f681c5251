-- Keeps the keys that a listing has brought.
INSERT INTO listing (task, keys) VALUES (:task, :keys) ON CONFLICT (task) DO UPDATE SET keys = excluded.keys;
