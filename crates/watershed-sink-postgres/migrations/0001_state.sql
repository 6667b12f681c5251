-- What outlives every queue. Never edit this file once it has been released.
--
-- Keys have the collation "C": their order is that of their bytes, as in every other sink.
-- Text holds NUL as U+241B U+2400 and U+241B twice (docs/adr/0014).

-- Marks the tables as ours, and says of which version they are.
CREATE TABLE _meta (
    program text NOT NULL PRIMARY KEY CHECK (program = 'watershed'),
    version integer NOT NULL
);

CREATE TABLE _accounts (
    connection text COLLATE "C" NOT NULL PRIMARY KEY,
    account    text NOT NULL
);

CREATE TABLE _runs (
    id         text COLLATE "C" NOT NULL PRIMARY KEY,
    connection text NOT NULL,
    workflow   text NOT NULL,
    source     text NOT NULL,
    plan       text NOT NULL,
    inputs     jsonb NOT NULL,
    granted    jsonb NOT NULL,
    "trigger"  text NOT NULL,
    state      text NOT NULL CHECK (
        state IN ('running', 'paused', 'cancelling', 'cancelled', 'failed', 'complete')
    ),
    started_at timestamptz NOT NULL,
    ended_at   timestamptz,
    evidence   jsonb
);

CREATE INDEX _runs_started ON _runs (started_at, id);

-- 64-bit hashes (key, once) stand here as signed integers of the same bits.
CREATE TABLE _failures (
    id         text COLLATE "C" NOT NULL PRIMARY KEY,
    connection text NOT NULL,
    run        text NOT NULL,
    plan       text NOT NULL,
    step       text NOT NULL,
    operation  text NOT NULL,
    branch     text NOT NULL,
    item       text NOT NULL,
    "key"      bigint NOT NULL,
    once       bigint,
    bucket     integer NOT NULL CHECK (bucket BETWEEN 0 AND 65535),
    scopes     jsonb NOT NULL,
    subject    text,
    "from"     text,
    "to"       text,
    verdict    text NOT NULL,
    http       integer,
    code       bigint,
    message    text NOT NULL,
    attempts   integer NOT NULL CHECK (attempts BETWEEN 0 AND 65535),
    at         timestamptz NOT NULL,
    hint       text NOT NULL
);

-- `to` is a day or an instant, so both ends of a window are text.
CREATE TABLE _coverage (
    connection text COLLATE "C" NOT NULL,
    operation  text COLLATE "C" NOT NULL,
    subject    text COLLATE "C" NOT NULL,
    "from"     text COLLATE "C" CHECK ("from" <> ''),
    "to"       text,
    state      text COLLATE "C" NOT NULL CHECK (
        state IN (
            'complete', 'partial', 'waiting', 'unavailable', 'skipped', 'excluded', 'failed'
        )
    ),
    reason     text COLLATE "C",
    rows       bigint NOT NULL CHECK (rows >= 0),
    retry_at   timestamptz,
    run        text NOT NULL,
    at         timestamptz NOT NULL,
    -- What waits is asked again; without a time it would be forgotten.
    CHECK (state <> 'waiting' OR retry_at IS NOT NULL)
);

-- NULLs are all different to a UNIQUE constraint; a subject without window is but one.
CREATE UNIQUE INDEX _coverage_key
    ON _coverage (connection, operation, subject, coalesce("from", ''));

-- The newest reading of each listing, from its first page on. What one that is not here, or not
-- whole, has brought is not known. `listing` is the hash of connection, dataset and the text
-- that stands in `_listing`.
CREATE TABLE _listings (
    listing  bigint NOT NULL PRIMARY KEY,
    first_at timestamptz NOT NULL,
    run      text NOT NULL,
    -- false: pages of different readings came mixed.
    whole    boolean NOT NULL
);

-- `record`: what the listing said, where the row does not hold that: the first of several
-- records of one key, or what stood in the row before another listing took it over. NULL: the
-- row holds it, and its `_listing` is this one. Who erases a row erases its records here too.
CREATE TABLE _members (
    listing bigint NOT NULL,
    "key"   text COLLATE "C" NOT NULL,
    record  jsonb,
    PRIMARY KEY (listing, "key")
);
