SELECT connection, account FROM _accounts
