-- coverage
-- A page of coverage after a key ($1 to $4, all '' for the first), in the order of the key.
-- $9: a member of the subject as it stands there, `:"value"`.
SELECT connection, operation, subject, "from", "to", state, reason, rows, retry_at, run, at
FROM _coverage
WHERE (connection, operation, subject, coalesce("from", '')) > ($1, $2, $3, $4)
    AND ($5::text IS NULL OR connection = $5)
    AND ($6::text IS NULL OR operation = $6)
    AND ($7::text IS NULL OR run = $7)
    AND ($8::text IS NULL OR state = $8)
    AND ($9::text IS NULL OR strpos(subject, $9 || ',') > 0 OR strpos(subject, $9 || '}') > 0)
ORDER BY connection, operation, subject, coalesce("from", '')
LIMIT $10
