SELECT account, categories, day, calls, at
FROM _days
WHERE account = $1
ORDER BY day DESC, categories
LIMIT $2
