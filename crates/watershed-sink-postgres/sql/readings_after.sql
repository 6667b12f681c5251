-- readings_after
SELECT listing, first_at, run, whole
FROM _listings
WHERE $1::bigint IS NULL OR listing > $1
ORDER BY listing
LIMIT $2
