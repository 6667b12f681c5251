-- The items of each chunk, and how many they should be.
SELECT chunk.id, chunk.len, chunk_items.items
FROM chunk LEFT JOIN chunk_items ON chunk_items.chunk = chunk.id;
