-- failures
SELECT id, connection, run, plan, step, operation, branch, item, "key", once, bucket, scopes,
    subject, "from", "to", verdict, http, code, message, attempts, at, hint
FROM _failures
WHERE ($1::text IS NULL OR connection = $1)
    AND ($2::text IS NULL OR run = $2)
    AND ($3::text IS NULL OR step = $3)
    AND ($4::bigint IS NULL OR "key" = $4)
    AND ($5::text IS NULL OR id = $5)
ORDER BY at, id
