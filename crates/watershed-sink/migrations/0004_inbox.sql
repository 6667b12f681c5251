-- What webhooks brought, once by its key. One that is done has no body any more, and is forgotten
-- some days later: until then it is known when it is sent again. Never edit this file once it has
-- been released.
CREATE TABLE _inbox (
    place       INTEGER PRIMARY KEY,
    connection  TEXT NOT NULL,
    "key"       TEXT NOT NULL,
    event       TEXT NOT NULL,
    event_at    TEXT,
    received_at TEXT NOT NULL,
    body        TEXT,
    done_at     TEXT,
    CHECK ((body IS NULL) = (done_at IS NOT NULL))
);

CREATE UNIQUE INDEX _inbox_key ON _inbox (connection, "key");
CREATE INDEX _inbox_waiting ON _inbox (connection, place) WHERE done_at IS NULL;
CREATE INDEX _inbox_done ON _inbox (done_at) WHERE done_at IS NOT NULL;
