SELECT connection, account FROM _accounts ORDER BY connection
