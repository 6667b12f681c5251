SELECT connection, count(*) AS waiting, min(received_at) AS since
FROM _inbox
WHERE done_at IS NULL
GROUP BY connection
ORDER BY connection
