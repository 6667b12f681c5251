-- Forgets a chunk's items.
DELETE FROM chunk_items WHERE chunk = :chunk;
