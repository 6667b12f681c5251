-- put_ticks
-- What is decided stays. No instant may come twice.
INSERT INTO _ticks (workflow, connection, due_at, schedule, state, why, run, at)
SELECT * FROM unnest(
    $1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::timestamptz[]
)
ON CONFLICT (workflow, connection, due_at) DO NOTHING
RETURNING due_at
