-- Keeps the items of a chunk, packed.
INSERT INTO chunk_items (chunk, items) VALUES (:chunk, :items)
ON CONFLICT (chunk) DO UPDATE SET items = excluded.items;
