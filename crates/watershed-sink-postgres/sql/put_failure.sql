-- put_failure
-- Conditional on `at`, like everything that a sleeping worker may bring late. No id may come
-- twice.
INSERT INTO _failures AS f
    (id, connection, run, plan, step, operation, branch, item, "key", once, bucket, scopes,
     subject, "from", "to", verdict, http, code, message, attempts, at, hint)
SELECT * FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::text[], $9::bigint[], $10::bigint[], $11::int[], $12::jsonb[], $13::text[], $14::text[],
    $15::text[], $16::text[], $17::int[], $18::bigint[], $19::text[], $20::int[],
    $21::timestamptz[], $22::text[]
)
ON CONFLICT (id) DO UPDATE SET
    connection = excluded.connection,
    run        = excluded.run,
    plan       = excluded.plan,
    step       = excluded.step,
    operation  = excluded.operation,
    branch     = excluded.branch,
    item       = excluded.item,
    "key"      = excluded."key",
    once       = excluded.once,
    bucket     = excluded.bucket,
    scopes     = excluded.scopes,
    subject    = excluded.subject,
    "from"     = excluded."from",
    "to"       = excluded."to",
    verdict    = excluded.verdict,
    http       = excluded.http,
    code       = excluded.code,
    message    = excluded.message,
    attempts   = excluded.attempts,
    at         = excluded.at,
    hint       = excluded.hint
WHERE excluded.at >= f.at
