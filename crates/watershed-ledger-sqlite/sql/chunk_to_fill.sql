-- A chunk of the group of which nothing is leased yet.
SELECT id FROM chunk
WHERE run = :run AND step = :step AND scope = :scope AND bucket = :bucket AND next = 0
ORDER BY id DESC LIMIT 1;
