-- A page of coverage after a key, in the order of the key. :after_… are '' for the first.
SELECT *
FROM _coverage
WHERE (connection, operation, subject, ifnull("from", ''))
        > (:after_connection, :after_operation, :after_subject, :after_from)
    AND (:connection IS NULL OR connection = :connection)
    AND (:operation IS NULL OR operation = :operation)
    AND (:run IS NULL OR run = :run)
    AND (:state IS NULL OR state = :state)
    AND (
        :user IS NULL
        OR EXISTS (SELECT 1 FROM json_each(subject) AS member WHERE member.value = :user)
    )
ORDER BY connection, operation, subject, ifnull("from", '')
LIMIT :limit
