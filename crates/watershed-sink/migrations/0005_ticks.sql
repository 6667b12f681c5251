-- Schedules, and what became of each tick. Never edit this file once it has been released.

-- `schedule`: cron fields and zone. Up to `decided_until` each tick of it is in `_ticks`; in the
-- beginning that is when it was first seen.
CREATE TABLE _schedules (
    workflow      TEXT NOT NULL,
    connection    TEXT NOT NULL,
    schedule      TEXT NOT NULL,
    first_seen_at TEXT NOT NULL,
    decided_until TEXT NOT NULL CHECK (decided_until >= first_seen_at),
    PRIMARY KEY (workflow, connection, schedule)
) WITHOUT ROWID;

-- Whoever decides first decides: one row for each instant, written with the run that it starts.
CREATE TABLE _ticks (
    workflow   TEXT NOT NULL,
    connection TEXT NOT NULL,
    due_at     TEXT NOT NULL,
    schedule   TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('queued', 'run', 'skipped')),
    why        TEXT CHECK (why IN ('missed', 'overlap', 'superseded')),
    run        TEXT,
    at         TEXT NOT NULL,
    PRIMARY KEY (workflow, connection, due_at),
    CHECK ((state = 'run') = (run IS NOT NULL)),
    CHECK ((state = 'skipped') = (why IS NOT NULL))
) WITHOUT ROWID;
