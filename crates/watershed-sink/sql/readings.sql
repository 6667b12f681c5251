-- readings
SELECT listing, first_at, run, whole
FROM _listings
WHERE :after IS NULL OR listing > :after
ORDER BY listing
LIMIT :limit
