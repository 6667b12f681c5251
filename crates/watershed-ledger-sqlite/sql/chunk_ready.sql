-- Chunks that may be leased from, the first ones first.
SELECT id, rank FROM chunk
WHERE run = :run AND category = :category AND rank IS NOT NULL ORDER BY rank, id LIMIT :max;
