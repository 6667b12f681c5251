-- What webhooks brought, once by its key. One that is done has no body any more, and is forgotten
-- some days later: until then it is known when it is sent again. Never edit this file once it has
-- been released.
CREATE TABLE _inbox (
    place       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    connection  text COLLATE "C" NOT NULL,
    "key"       text COLLATE "C" NOT NULL,
    event       text COLLATE "C" NOT NULL,
    event_at    timestamptz,
    received_at timestamptz NOT NULL,
    body        jsonb,
    done_at     timestamptz,
    CHECK ((body IS NULL) = (done_at IS NOT NULL))
);

CREATE UNIQUE INDEX _inbox_key ON _inbox (connection, "key");
CREATE INDEX _inbox_waiting ON _inbox (connection, place) WHERE done_at IS NULL;
CREATE INDEX _inbox_done ON _inbox (done_at) WHERE done_at IS NOT NULL;
