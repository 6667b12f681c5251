-- restore_members
INSERT INTO _members (listing, "key", record)
SELECT given.listing, given."key", given.record
FROM unnest($1::bigint[], $2::text[], $3::jsonb[], $4::timestamptz[], $5::text[])
    AS given (listing, "key", record, first_at, run)
JOIN _listings AS l
    ON l.listing = given.listing AND l.first_at = given.first_at AND l.run = given.run
ON CONFLICT (listing, "key") DO NOTHING
