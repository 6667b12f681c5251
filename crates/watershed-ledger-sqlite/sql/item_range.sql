-- Items of a chunk: from, inclusive; to, exclusive.
SELECT item, once, together FROM item
WHERE chunk = :chunk AND position >= :from AND position < :to ORDER BY position;
