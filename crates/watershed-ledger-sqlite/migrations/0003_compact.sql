-- Compact state: runs and the names of `once` keys are numbers in all rows that are many, and
-- the items of a chunk lie in one stored value. What packs the items of an older file, and
-- drops `item` then: src/migrations.rs.

-- Runs by number. A run has one before it has a record: its first items come first.
CREATE TABLE run_number (
  number INTEGER PRIMARY KEY,
  run    TEXT NOT NULL UNIQUE
);
INSERT INTO run_number (run) SELECT run FROM run ORDER BY submitted_at, run;

CREATE TABLE run_3 (
  run          TEXT PRIMARY KEY,
  connection   TEXT NOT NULL,
  state        TEXT NOT NULL,
  submitted_at INTEGER NOT NULL,
  body         TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO run_3 SELECT run, body ->> '$.connection', body ->> '$.state', submitted_at, body
FROM run;
DROP TABLE run;
ALTER TABLE run_3 RENAME TO run;
CREATE INDEX run_live ON run (connection, submitted_at) WHERE state IN ('running', 'cancelling');

-- Items that wait together. `rank` is set while some of them may be leased, and `category`
-- with it: 0 none, 1 light, 2 medium, 3 heavy, 4 resource_intensive.
CREATE TABLE chunk_3 (
  id       INTEGER PRIMARY KEY,
  run      INTEGER NOT NULL,
  step     INTEGER NOT NULL,
  scope    INTEGER NOT NULL,
  bucket   INTEGER NOT NULL,
  len      INTEGER NOT NULL CHECK (len > 0),
  bytes    INTEGER NOT NULL,
  next     INTEGER NOT NULL CHECK (next BETWEEN 0 AND len),
  open     INTEGER NOT NULL CHECK (open > 0),
  category INTEGER CHECK (category BETWEEN 0 AND 4),
  rank     INTEGER
);
INSERT INTO chunk_3
SELECT id, number, step, scope, bucket, len, bytes, next, open,
  CASE category WHEN 'none' THEN 0 WHEN 'light' THEN 1 WHEN 'medium' THEN 2 WHEN 'heavy' THEN 3
    WHEN 'resource_intensive' THEN 4 END, rank
FROM chunk JOIN run_number USING (run);
DROP TABLE chunk;
ALTER TABLE chunk_3 RENAME TO chunk;
CREATE INDEX chunk_ready ON chunk (run, category, rank, id) WHERE rank IS NOT NULL;
CREATE INDEX chunk_to_fill ON chunk (run, step, scope, bucket) WHERE next = 0;

-- The items of a chunk, packed (src/pack.rs): written and read together, so beside the numbers
-- that every settle changes.
CREATE TABLE chunk_items (
  chunk INTEGER PRIMARY KEY,
  items BLOB NOT NULL
);

-- Tasks with a record of their own. `rank` is set while one may be leased; neither ranked nor
-- leased means delayed until `due_at`.
CREATE TABLE task_3 (
  id       INTEGER PRIMARY KEY,
  run      INTEGER NOT NULL,
  leased   INTEGER NOT NULL CHECK (leased IN (0, 1)),
  lost     INTEGER NOT NULL,
  due_at   INTEGER NOT NULL,
  token_at INTEGER,
  category INTEGER CHECK (category BETWEEN 0 AND 4),
  rank     INTEGER,
  body     TEXT NOT NULL,
  CHECK (rank IS NULL OR leased = 0)
);
INSERT INTO task_3
SELECT id, number, leased, lost, due_at, token_at,
  CASE category WHEN 'none' THEN 0 WHEN 'light' THEN 1 WHEN 'medium' THEN 2 WHEN 'heavy' THEN 3
    WHEN 'resource_intensive' THEN 4 END, rank, body
FROM task JOIN run_number USING (run);
DROP TABLE task;
ALTER TABLE task_3 RENAME TO task;
CREATE INDEX task_ready ON task (run, category, rank, id) WHERE rank IS NOT NULL;
CREATE INDEX task_aging ON task (run, category, token_at)
  WHERE rank IS NOT NULL AND token_at IS NOT NULL;
CREATE INDEX task_delayed ON task (run, due_at) WHERE rank IS NULL AND leased = 0;
CREATE INDEX task_lost ON task (run, lost) WHERE lost > 0 AND leased = 0;
CREATE INDEX task_of_run ON task (run, id) WHERE leased = 0;

-- Keys that an open listing has brought, a row a page: 8 bytes each, little-endian.
CREATE TABLE listing_3 (
  page INTEGER PRIMARY KEY,
  task INTEGER NOT NULL,
  keys BLOB NOT NULL
);
INSERT INTO listing_3 (task, keys) SELECT task, keys FROM listing;
DROP TABLE listing;
ALTER TABLE listing_3 RENAME TO listing;
CREATE INDEX listing_task ON listing (task);

CREATE TABLE lease_3 (
  id     INTEGER PRIMARY KEY,
  worker TEXT NOT NULL,
  run    INTEGER NOT NULL,
  until  INTEGER NOT NULL,
  tasks  INTEGER NOT NULL CHECK (tasks > 0),
  body   TEXT NOT NULL
);
INSERT INTO lease_3
SELECT id, worker, number, until, tasks, body FROM lease JOIN run_number USING (run);
DROP TABLE lease;
ALTER TABLE lease_3 RENAME TO lease;
CREATE INDEX lease_until ON lease (until);
CREATE INDEX lease_run ON lease (run, tasks);

-- `once` keys of what is open or dead-lettered, and what they are keys of.
CREATE TABLE once_name (
  number     INTEGER PRIMARY KEY,
  connection TEXT NOT NULL,
  operation  TEXT NOT NULL,
  UNIQUE (connection, operation)
);
INSERT INTO once_name (connection, operation) SELECT DISTINCT connection, operation FROM once;
CREATE TABLE once_3 (
  name INTEGER NOT NULL,
  key  INTEGER NOT NULL,
  PRIMARY KEY (name, key)
) WITHOUT ROWID;
INSERT INTO once_3 SELECT number, key FROM once JOIN once_name USING (connection, operation);
DROP TABLE once;
ALTER TABLE once_3 RENAME TO once;

-- Workers in the order of their first exchange: those long gone are forgotten.
CREATE TABLE worker_3 (
  number INTEGER PRIMARY KEY,
  worker TEXT NOT NULL UNIQUE,
  body   TEXT NOT NULL
);
INSERT INTO worker_3 (worker, body) SELECT worker, body FROM worker;
DROP TABLE worker;
ALTER TABLE worker_3 RENAME TO worker;
