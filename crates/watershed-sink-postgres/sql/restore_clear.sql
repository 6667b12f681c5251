-- restore_clear
-- What an older reading brought goes with it.
DELETE FROM _members AS m
USING unnest($1::bigint[], $2::timestamptz[]) AS given (listing, first_at)
JOIN _listings AS l ON l.listing = given.listing AND l.first_at < given.first_at
WHERE m.listing = given.listing
