-- Forgets a chunk.
DELETE FROM chunk WHERE id = :id;
