-- restore_reading
-- A newer reading stays; the same one is as whole as it is said to be.
INSERT INTO _listings (listing, first_at, run, whole)
VALUES (:listing, :first_at, :run, :whole)
ON CONFLICT (listing) DO UPDATE SET
    first_at = excluded.first_at,
    run      = excluded.run,
    whole    = excluded.whole
WHERE excluded.first_at > _listings.first_at
    OR (excluded.first_at = _listings.first_at AND excluded.run = _listings.run)
