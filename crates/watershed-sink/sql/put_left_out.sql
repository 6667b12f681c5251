-- Conditional on `at`: an older run does not take over what a newer one has seen.
INSERT INTO _left_out (connection, why, mark, run, at)
VALUES (:connection, :why, :mark, :run, :at)
ON CONFLICT (connection, why, mark) DO UPDATE SET
    run = excluded.run,
    at  = excluded.at
WHERE excluded.at >= _left_out.at
