-- put_left_out
-- Conditional on `at`: an older run does not take over what a newer one has seen. No key may come
-- twice.
INSERT INTO _left_out AS l (connection, why, mark, run, at)
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::timestamptz[])
ON CONFLICT (connection, why, mark) DO UPDATE SET
    run = excluded.run,
    at  = excluded.at
WHERE excluded.at >= l.at
