-- put_members
-- Of several records of one key the first stays: children are made of that one.
INSERT INTO _members (listing, "key", record)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::jsonb[])
ON CONFLICT (listing, "key") DO NOTHING
