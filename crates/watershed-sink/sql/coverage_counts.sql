SELECT operation, state, reason, count(*) AS count, sum(rows) AS rows
FROM (
    -- Without a run, all; with one, only what its index leads to.
    SELECT * FROM _coverage WHERE run = :run
    UNION ALL
    SELECT * FROM _coverage WHERE :run IS NULL
)
WHERE (:connection IS NULL OR connection = :connection)
    AND (:operation IS NULL OR operation = :operation)
    AND (:state IS NULL OR state = :state)
    AND (
        :user IS NULL
        OR EXISTS (SELECT 1 FROM json_each(subject) AS member WHERE member.value = :user)
    )
GROUP BY operation, state, reason
ORDER BY operation, state, reason
