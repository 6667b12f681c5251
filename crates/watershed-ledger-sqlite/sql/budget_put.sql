-- Keeps an account's budget.
INSERT INTO budget (account, body) VALUES (:account, :body) ON CONFLICT (account) DO UPDATE SET body = excluded.body;
