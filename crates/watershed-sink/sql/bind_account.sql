-- The first account stays; the caller compares with what is stored then.
INSERT INTO _accounts (connection, account)
VALUES (:connection, :account)
ON CONFLICT (connection) DO NOTHING
