-- Who did what when. A row is never changed and never deleted: each holds the hash of the one
-- before it, so that whoever does it anyway is found out. Instants and hashes are text, as they
-- are hashed. Never edit this file once it has been released.
CREATE TABLE _audit (
    place      bigint NOT NULL PRIMARY KEY CHECK (place > 0),
    at         text NOT NULL,
    who        text NOT NULL,
    via        text NOT NULL,
    act        text NOT NULL,
    connection text,
    run        text,
    outcome    text NOT NULL,
    before     text NOT NULL,
    hash       text NOT NULL
);

CREATE FUNCTION _audit_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '_audit is only added to';
END
$$;

CREATE TRIGGER _audit_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON _audit
    FOR EACH STATEMENT EXECUTE FUNCTION _audit_stays();
