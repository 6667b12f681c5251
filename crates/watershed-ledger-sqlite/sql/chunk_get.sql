-- A chunk, without its items.
SELECT run, step, scope, bucket, len, bytes, next, open, queue, rank FROM chunk WHERE id = :id;
