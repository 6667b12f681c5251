-- Listings whose page token was given before, the oldest first.
SELECT id FROM task
WHERE run = :run AND category = :category AND rank IS NOT NULL AND token_at IS NOT NULL
  AND token_at < :before ORDER BY token_at, id LIMIT :max;
