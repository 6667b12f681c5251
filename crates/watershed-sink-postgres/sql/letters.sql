-- letters
-- A page of dead letters after an id, '' for the first.
SELECT id, connection, run, plan, step, operation, branch, item, "key", once, bucket, scopes,
    subject, "from", "to", verdict, http, code, message, attempts, at, hint
FROM _failures
WHERE id > $1
ORDER BY id
LIMIT $2
