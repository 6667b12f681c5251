-- The ledger's tables. Ids are given by `last_id`; 64-bit hashes are stored as signed numbers.
-- Invariant: one transaction a command, so every row fits every other.

CREATE TABLE last_id (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  id  INTEGER NOT NULL
);
INSERT INTO last_id VALUES (1, 0);

CREATE TABLE plan (
  hash TEXT PRIMARY KEY,
  body TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE run (
  run          TEXT PRIMARY KEY,
  submitted_at INTEGER NOT NULL,
  body         TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE counts (
  run  TEXT PRIMARY KEY,
  body TEXT NOT NULL
) WITHOUT ROWID;

-- Branches at which joins stand, and each run's own.
CREATE TABLE scope (
  id     INTEGER PRIMARY KEY,
  parent INTEGER,
  level  INTEGER NOT NULL,
  key    INTEGER NOT NULL,
  body   TEXT NOT NULL
);
CREATE UNIQUE INDEX scope_beneath ON scope (parent, level, key) WHERE parent IS NOT NULL;

-- Items that wait together. `rank` is set while some of them may be leased.
CREATE TABLE chunk (
  id       INTEGER PRIMARY KEY,
  run      TEXT NOT NULL,
  step     INTEGER NOT NULL,
  scope    INTEGER NOT NULL,
  bucket   INTEGER NOT NULL,
  len      INTEGER NOT NULL CHECK (len > 0),
  bytes    INTEGER NOT NULL,
  next     INTEGER NOT NULL CHECK (next BETWEEN 0 AND len),
  open     INTEGER NOT NULL CHECK (open > 0),
  category TEXT,
  rank     INTEGER
);
CREATE INDEX chunk_ready ON chunk (run, category, rank, id) WHERE rank IS NOT NULL;
CREATE INDEX chunk_to_fill ON chunk (run, step, scope, bucket) WHERE next = 0;

CREATE TABLE item (
  chunk    INTEGER NOT NULL,
  position INTEGER NOT NULL,
  item     TEXT NOT NULL,
  once     INTEGER,
  PRIMARY KEY (chunk, position)
) WITHOUT ROWID;

-- Tasks with a record of their own. `rank` is set while one may be leased; neither ranked nor
-- leased means delayed until `due_at`.
CREATE TABLE task (
  id       INTEGER PRIMARY KEY,
  run      TEXT NOT NULL,
  leased   INTEGER NOT NULL CHECK (leased IN (0, 1)),
  lost     INTEGER NOT NULL,
  due_at   INTEGER NOT NULL,
  token_at INTEGER,
  category TEXT,
  rank     INTEGER,
  body     TEXT NOT NULL,
  CHECK (rank IS NULL OR leased = 0)
);
CREATE INDEX task_ready ON task (run, category, rank, id) WHERE rank IS NOT NULL;
CREATE INDEX task_aging ON task (run, category, token_at)
  WHERE rank IS NOT NULL AND token_at IS NOT NULL;
CREATE INDEX task_delayed ON task (run, due_at) WHERE rank IS NULL AND leased = 0;
CREATE INDEX task_lost ON task (run, lost) WHERE lost > 0 AND leased = 0;
CREATE INDEX task_of_run ON task (run, id) WHERE leased = 0;

-- Keys that an open listing has brought: 8 bytes each, little-endian.
CREATE TABLE listing (
  task INTEGER PRIMARY KEY,
  keys BLOB NOT NULL
);

CREATE TABLE lease (
  id     INTEGER PRIMARY KEY,
  worker TEXT NOT NULL,
  run    TEXT NOT NULL,
  until  INTEGER NOT NULL,
  tasks  INTEGER NOT NULL CHECK (tasks > 0),
  body   TEXT NOT NULL
);
CREATE INDEX lease_until ON lease (until);
CREATE INDEX lease_run ON lease (run, tasks);

-- `once` keys of what is open or dead-lettered.
CREATE TABLE once (
  connection TEXT NOT NULL,
  operation  TEXT NOT NULL,
  key        INTEGER NOT NULL,
  PRIMARY KEY (connection, operation, key)
) WITHOUT ROWID;

CREATE TABLE budget (
  account TEXT PRIMARY KEY,
  body    TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE worker (
  worker TEXT PRIMARY KEY,
  body   TEXT NOT NULL
) WITHOUT ROWID;
