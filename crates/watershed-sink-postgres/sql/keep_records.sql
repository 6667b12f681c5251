-- keep_records
-- Before its row holds another record: what this listing said.
UPDATE _members AS m SET record = kept.record
FROM unnest($1::bigint[], $2::text[], $3::jsonb[]) AS kept (listing, "key", record)
WHERE m.listing = kept.listing AND m."key" = kept."key" AND m.record IS NULL
