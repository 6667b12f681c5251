-- Keeps a scope; its place in the tree never changes.
INSERT INTO scope (id, parent, level, key, body) VALUES (:id, :parent, :level, :key, :body)
ON CONFLICT (id) DO UPDATE SET body = excluded.body;
