SELECT account, categories, day, calls, at
FROM _days
WHERE account = :account
ORDER BY day DESC, categories
LIMIT :limit
