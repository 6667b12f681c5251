SELECT operation, state, reason, count(*) AS count, sum(rows) AS rows
FROM _coverage
WHERE (:connection IS NULL OR connection = :connection)
    AND (:operation IS NULL OR operation = :operation)
    AND (:run IS NULL OR run = :run)
    AND (:state IS NULL OR state = :state)
    AND (
        :user IS NULL
        OR EXISTS (SELECT 1 FROM json_each(subject) AS member WHERE member.value = :user)
    )
GROUP BY operation, state, reason
ORDER BY operation, state, reason
