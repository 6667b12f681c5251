-- Chunks that may be leased from, the first ones first.
SELECT id, rank FROM chunk
WHERE run = :run AND queue = :queue AND rank IS NOT NULL ORDER BY rank, id LIMIT :max;
