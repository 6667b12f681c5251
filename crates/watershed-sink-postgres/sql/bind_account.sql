-- bind_account
-- The first account stays; the caller compares with what is stored then.
INSERT INTO _accounts (connection, account) VALUES ($1, $2)
ON CONFLICT (connection) DO NOTHING
