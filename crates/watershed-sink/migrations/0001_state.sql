-- What outlives every queue. Instants: RFC 3339 text in UTC, milliseconds, so that their
-- order as text is their order in time. Never edit this file once it has been released.

CREATE TABLE _accounts (
    connection TEXT NOT NULL PRIMARY KEY,
    account    TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE _runs (
    id         TEXT NOT NULL PRIMARY KEY,
    connection TEXT NOT NULL,
    workflow   TEXT NOT NULL,
    source     TEXT NOT NULL,
    plan       TEXT NOT NULL,
    inputs     TEXT NOT NULL,
    granted    TEXT NOT NULL,
    "trigger"  TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (
        state IN ('running', 'paused', 'cancelling', 'cancelled', 'failed', 'complete')
    ),
    started_at TEXT NOT NULL,
    ended_at   TEXT,
    evidence   TEXT
);

CREATE INDEX _runs_started ON _runs (started_at);

-- 64-bit hashes (key, once) stand here as signed integers of the same bits.
CREATE TABLE _failures (
    id         TEXT NOT NULL PRIMARY KEY,
    connection TEXT NOT NULL,
    run        TEXT NOT NULL,
    plan       TEXT NOT NULL,
    step       TEXT NOT NULL,
    operation  TEXT NOT NULL,
    branch     TEXT NOT NULL,
    item       TEXT NOT NULL,
    "key"      INTEGER NOT NULL,
    once       INTEGER,
    bucket     INTEGER NOT NULL CHECK (bucket BETWEEN 0 AND 65535),
    scopes     TEXT NOT NULL,
    subject    TEXT,
    "from"     TEXT,
    "to"       TEXT,
    verdict    TEXT NOT NULL,
    http       INTEGER,
    code       INTEGER,
    message    TEXT NOT NULL,
    attempts   INTEGER NOT NULL CHECK (attempts BETWEEN 0 AND 65535),
    at         TEXT NOT NULL,
    hint       TEXT NOT NULL
);

CREATE TABLE _coverage (
    connection TEXT NOT NULL,
    operation  TEXT NOT NULL,
    subject    TEXT NOT NULL,
    "from"     TEXT CHECK ("from" <> ''),
    "to"       TEXT,
    state      TEXT NOT NULL CHECK (
        state IN (
            'complete', 'partial', 'waiting', 'unavailable', 'skipped', 'excluded', 'failed'
        )
    ),
    reason     TEXT,
    rows       INTEGER NOT NULL CHECK (rows >= 0),
    retry_at   TEXT,
    run        TEXT NOT NULL,
    at         TEXT NOT NULL,
    -- What waits is asked again; without a time it would be forgotten.
    CHECK (state <> 'waiting' OR retry_at IS NOT NULL)
);

-- NULLs are all different to a UNIQUE constraint; a subject without window is but one.
CREATE UNIQUE INDEX _coverage_key
    ON _coverage (connection, operation, subject, ifnull("from", ''));

-- The version stands in the file's header; this shows it to whoever looks for a table.
CREATE VIEW _meta AS SELECT user_version AS version FROM pragma_user_version;
