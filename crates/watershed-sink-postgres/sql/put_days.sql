-- put_days
-- Conditional on `at`: a worker that was asleep knows less. No key may come twice.
INSERT INTO _days AS d (account, categories, day, calls, at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::timestamptz[])
ON CONFLICT (account, categories, day) DO UPDATE SET
    calls = excluded.calls,
    at    = excluded.at
WHERE excluded.at >= d.at
