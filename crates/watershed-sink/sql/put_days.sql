-- Conditional on `at`: a worker that was asleep knows less.
INSERT INTO _days (account, categories, day, calls, at)
VALUES (:account, :categories, :day, :calls, :at)
ON CONFLICT (account, categories, day) DO UPDATE SET
    calls = excluded.calls,
    at    = excluded.at
WHERE excluded.at >= _days.at
