-- An account's budget.
SELECT body FROM budget WHERE account = :account;
