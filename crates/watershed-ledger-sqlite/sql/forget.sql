-- Forgets all runs of :account and what is open of them, as if the file had been lost. Its budget
-- stays. What workers were answered last may name what is forgotten: of all of them, since a file
-- has one at a time.
DELETE FROM listing WHERE task IN (
  SELECT task.id FROM task JOIN run_number ON number = task.run JOIN run USING (run)
  WHERE run.body ->> '$.account' = :account
);
DELETE FROM chunk_items WHERE chunk IN (
  SELECT chunk.id FROM chunk JOIN run_number ON number = chunk.run JOIN run USING (run)
  WHERE run.body ->> '$.account' = :account
);
DELETE FROM task WHERE run IN (
  SELECT number FROM run_number JOIN run USING (run) WHERE body ->> '$.account' = :account
);
DELETE FROM chunk WHERE run IN (
  SELECT number FROM run_number JOIN run USING (run) WHERE body ->> '$.account' = :account
);
DELETE FROM lease WHERE run IN (
  SELECT number FROM run_number JOIN run USING (run) WHERE body ->> '$.account' = :account
);
DELETE FROM scope WHERE body ->> '$.run' IN (
  SELECT run FROM run WHERE body ->> '$.account' = :account
);
DELETE FROM once WHERE name IN (
  SELECT number FROM once_name JOIN run USING (connection) WHERE body ->> '$.account' = :account
);
DELETE FROM counts WHERE run IN (SELECT run FROM run WHERE body ->> '$.account' = :account);
DELETE FROM run_number WHERE run IN (SELECT run FROM run WHERE body ->> '$.account' = :account);
DELETE FROM run WHERE body ->> '$.account' = :account;
DELETE FROM worker WHERE :account = :account;
