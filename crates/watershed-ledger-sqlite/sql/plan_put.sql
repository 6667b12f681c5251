-- Keeps a plan; plans never change.
INSERT INTO plan (hash, body) VALUES (:hash, :body) ON CONFLICT (hash) DO NOTHING;
