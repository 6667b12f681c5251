-- Keeps a chunk and where it stands.
INSERT INTO chunk (id, run, step, scope, bucket, len, bytes, next, open, queue, rank)
VALUES (:id, :run, :step, :scope, :bucket, :len, :bytes, :next, :open, :queue, :rank)
ON CONFLICT (id) DO UPDATE SET len = excluded.len, bytes = excluded.bytes, next = excluded.next,
  open = excluded.open, queue = excluded.queue, rank = excluded.rank;
