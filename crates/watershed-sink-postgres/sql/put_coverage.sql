-- put_coverage
-- Conditional on `at`: a worker that was asleep cannot overwrite what is known since. Within a run
-- what a listing came to stands above a page of it, whichever clock says what: one may have been set
-- back between two pages. That a question is not asked this time takes away nothing of what an
-- earlier answer made known.
-- No key may come twice.
INSERT INTO _coverage AS c
    (connection, operation, subject, "from", "to", state, reason, rows, retry_at, run, at)
SELECT * FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::bigint[], $9::timestamptz[], $10::text[], $11::timestamptz[]
)
ON CONFLICT (connection, operation, subject, coalesce("from", '')) DO UPDATE SET
    "to"     = excluded."to",
    state    = excluded.state,
    reason   = excluded.reason,
    rows     = excluded.rows,
    retry_at = excluded.retry_at,
    run      = excluded.run,
    at       = excluded.at
WHERE (
        excluded.at >= c.at
        OR (
            excluded.run = c.run
            AND c.state = 'partial'
            AND excluded.state NOT IN ('partial', 'skipped', 'excluded')
        )
    )
    AND NOT (excluded.run = c.run AND c.state = 'complete' AND excluded.state = 'partial')
    AND (excluded.state NOT IN ('skipped', 'excluded') OR c.state IN ('skipped', 'excluded'))
