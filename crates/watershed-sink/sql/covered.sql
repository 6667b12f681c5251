-- One query for a whole leased batch. :asks is a JSON array of {connection, operation,
-- subject, from}. Gives the place in that array beside each row that is there.
SELECT ask.key AS place, c.*
FROM json_each(:asks) AS ask
CROSS JOIN _coverage AS c
    ON  c.connection = ask.value ->> 'connection'
    AND c.operation = ask.value ->> 'operation'
    AND c.subject = ask.value ->> 'subject'
    AND ifnull(c."from", '') = ifnull(ask.value ->> 'from', '')
