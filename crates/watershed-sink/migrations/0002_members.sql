-- Which rows a listing brought, apart from the rows: a row that two listings bring names only
-- the later one in its `_listing`. Never edit this file once it has been released.
--
-- A listing is the hash of connection, dataset and the text that stands in `_listing`, 64 bits
-- as a signed integer: the text is long, and there is a listing for almost every call.

-- The newest reading of each listing, from its first page on. What one that is not here, or not
-- whole, has brought is not known.
CREATE TABLE _listings (
    listing  INTEGER NOT NULL PRIMARY KEY,
    first_at TEXT NOT NULL,
    run      TEXT NOT NULL,
    -- 0: pages of different readings came mixed.
    whole    INTEGER NOT NULL CHECK (whole IN (0, 1))
);

-- `record`: what the listing said, where the row does not hold that: the first of several
-- records of one key, or what stood in the row before another listing took it over. NULL: the
-- row holds it, and its `_listing` is this one. Who erases a row erases its records here too.
CREATE TABLE _members (
    listing INTEGER NOT NULL,
    "key"   TEXT NOT NULL,
    record  TEXT,
    PRIMARY KEY (listing, "key")
) WITHOUT ROWID;
