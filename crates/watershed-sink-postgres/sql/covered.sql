-- covered
-- One query for a whole leased batch. Gives the place, from 1, in the arrays beside each row
-- that is there.
SELECT asked.place, c.connection, c.operation, c.subject, c."from", c."to", c.state, c.reason,
    c.rows, c.retry_at, c.run, c.at
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY
    AS asked (connection, operation, subject, "from", place)
JOIN _coverage AS c
    ON  c.connection = asked.connection
    AND c.operation = asked.operation
    AND c.subject = asked.subject
    AND coalesce(c."from", '') = coalesce(asked."from", '')
