-- Schedules, and what became of each tick. Never edit this file once it has been released.

-- `schedule`: cron fields and zone. Up to `decided_until` each tick of it is in `_ticks`; in the
-- beginning that is when it was first seen.
CREATE TABLE _schedules (
    workflow      text COLLATE "C" NOT NULL,
    connection    text COLLATE "C" NOT NULL,
    schedule      text COLLATE "C" NOT NULL,
    first_seen_at timestamptz NOT NULL,
    decided_until timestamptz NOT NULL CHECK (decided_until >= first_seen_at),
    PRIMARY KEY (workflow, connection, schedule)
);

-- Whoever decides first decides: one row for each instant, written with the run that it starts.
CREATE TABLE _ticks (
    workflow   text COLLATE "C" NOT NULL,
    connection text COLLATE "C" NOT NULL,
    due_at     timestamptz NOT NULL,
    schedule   text NOT NULL,
    state      text NOT NULL CHECK (state IN ('queued', 'run', 'skipped')),
    why        text CHECK (why IN ('missed', 'overlap', 'superseded')),
    run        text,
    at         timestamptz NOT NULL,
    PRIMARY KEY (workflow, connection, due_at),
    CHECK ((state = 'run') = (run IS NOT NULL)),
    CHECK ((state = 'skipped') = (why IS NOT NULL))
);
