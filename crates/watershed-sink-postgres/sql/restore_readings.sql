-- restore_readings
-- A newer reading stays; the same one is as whole as it is said to be.
INSERT INTO _listings AS l (listing, first_at, run, whole)
SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::boolean[])
ON CONFLICT (listing) DO UPDATE SET
    first_at = excluded.first_at,
    run      = excluded.run,
    whole    = excluded.whole
WHERE excluded.first_at > l.first_at
    OR (excluded.first_at = l.first_at AND excluded.run = l.run)
