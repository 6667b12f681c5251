-- Adds keys that a listing has brought.
INSERT INTO listing (task, keys) VALUES (:task, :keys);
