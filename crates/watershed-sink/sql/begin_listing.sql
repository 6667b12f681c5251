-- begin_listing
-- Changes one row where this reading is a new one, none where it is known or older.
INSERT INTO _listings (listing, first_at, run, whole)
VALUES (:listing, :first_at, :run, 1)
ON CONFLICT (listing) DO UPDATE SET
    first_at = excluded.first_at,
    run      = excluded.run,
    whole    = 1
WHERE excluded.first_at > _listings.first_at
