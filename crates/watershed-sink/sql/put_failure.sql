-- Conditional on `at`, like everything that a sleeping worker may bring late.
INSERT INTO _failures
    (id, connection, run, plan, step, operation, branch, item, "key", once, bucket, scopes,
     subject, "from", "to", verdict, http, code, message, attempts, at, hint)
VALUES
    (:id, :connection, :run, :plan, :step, :operation, :branch, :item, :key, :once, :bucket,
     :scopes, :subject, :from, :to, :verdict, :http, :code, :message, :attempts, :at, :hint)
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
WHERE excluded.at >= _failures.at
