-- Forgets a chunk's items.
DELETE FROM item WHERE chunk = :chunk;
