-- Keeps a chunk and where it stands.
INSERT INTO chunk (id, run, step, scope, bucket, len, bytes, next, open, category, rank)
VALUES (:id, :run, :step, :scope, :bucket, :len, :bytes, :next, :open, :category, :rank)
ON CONFLICT (id) DO UPDATE SET len = excluded.len, bytes = excluded.bytes, next = excluded.next,
  open = excluded.open, category = excluded.category, rank = excluded.rank;
