-- erase_coverage
DELETE FROM _coverage AS c
USING unnest($1::text[], $2::text[], $3::text[], $4::text[])
    AS given (connection, operation, subject, "from")
WHERE c.connection = given.connection AND c.operation = given.operation
    AND c.subject = given.subject AND coalesce(c."from", '') = given."from"
