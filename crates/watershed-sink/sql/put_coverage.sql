-- Conditional on `at`: a worker that was asleep cannot overwrite what is known since. Within a run
-- what a listing came to stands above a page of it, whichever clock says what: one may have been set
-- back between two pages. That a question is not asked this time takes away nothing of what an
-- earlier answer made known.
INSERT INTO _coverage
    (connection, operation, subject, "from", "to", state, reason, rows, retry_at, run, at)
VALUES
    (:connection, :operation, :subject, :from, :to, :state, :reason, :rows, :retry_at, :run, :at)
ON CONFLICT (connection, operation, subject, ifnull("from", '')) DO UPDATE SET
    "to"     = excluded."to",
    state    = excluded.state,
    reason   = excluded.reason,
    rows     = excluded.rows,
    retry_at = excluded.retry_at,
    run      = excluded.run,
    at       = excluded.at
WHERE (
        excluded.at >= _coverage.at
        OR (
            excluded.run = _coverage.run
            AND _coverage.state = 'partial'
            AND excluded.state NOT IN ('partial', 'skipped', 'excluded')
        )
    )
    AND NOT (
        excluded.run = _coverage.run
        AND _coverage.state = 'complete'
        AND excluded.state = 'partial'
    )
    AND (
        excluded.state NOT IN ('skipped', 'excluded')
        OR _coverage.state IN ('skipped', 'excluded')
    )
