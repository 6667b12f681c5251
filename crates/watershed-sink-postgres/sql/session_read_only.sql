-- session_read_only
-- For who only looks.
SET default_transaction_read_only = on;
