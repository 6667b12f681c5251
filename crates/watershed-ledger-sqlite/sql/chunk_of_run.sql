-- Chunks of a run with items that wait.
SELECT id FROM chunk WHERE run = :run AND rank IS NOT NULL ORDER BY id LIMIT :max;
