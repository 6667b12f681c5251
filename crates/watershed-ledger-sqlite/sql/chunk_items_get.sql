-- The items of a chunk, packed.
SELECT items FROM chunk_items WHERE chunk = :chunk;
