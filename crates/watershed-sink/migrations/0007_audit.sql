-- Who did what when. A row is never changed and never deleted: each holds the hash of the one
-- before it, so that whoever does it anyway is found out. Instants and hashes are text, as they
-- are hashed. Never edit this file once it has been released.
CREATE TABLE _audit (
    place      INTEGER NOT NULL PRIMARY KEY CHECK (place > 0),
    at         TEXT NOT NULL,
    who        TEXT NOT NULL,
    via        TEXT NOT NULL,
    act        TEXT NOT NULL,
    connection TEXT,
    run        TEXT,
    outcome    TEXT NOT NULL,
    before     TEXT NOT NULL,
    hash       TEXT NOT NULL
);

CREATE TRIGGER _audit_stays BEFORE UPDATE ON _audit BEGIN
    SELECT RAISE(ABORT, '_audit is only added to');
END;

CREATE TRIGGER _audit_remains BEFORE DELETE ON _audit BEGIN
    SELECT RAISE(ABORT, '_audit is only added to');
END;
