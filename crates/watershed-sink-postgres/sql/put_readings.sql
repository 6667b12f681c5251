-- put_readings
-- What has become of these readings; decided on what was read under the connection's lock.
INSERT INTO _listings (listing, first_at, run, whole)
SELECT * FROM unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::boolean[])
ON CONFLICT (listing) DO UPDATE SET
    first_at = excluded.first_at,
    run      = excluded.run,
    whole    = excluded.whole
