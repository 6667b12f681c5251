-- erase_members
DELETE FROM _members AS m
USING unnest($1::bigint[], $2::text[]) AS given (listing, "key")
WHERE m.listing = given.listing AND m."key" = given."key"
