-- members_after
-- Each with its reading, so that it is never taken for a member of another one.
SELECT m.listing, m."key", m.record, l.first_at, l.run
FROM _members AS m
JOIN _listings AS l ON l.listing = m.listing
WHERE (m.listing, m."key") > ($1, $2)
ORDER BY m.listing, m."key"
LIMIT $3
