-- People who are left out of a connection's data, by keyed marks: `excluded`, as the run saw that
-- stands there, or `erased` for good. Never edit this file once it has been released.
CREATE TABLE _left_out (
    connection TEXT NOT NULL,
    why        TEXT NOT NULL CHECK (why IN ('excluded', 'erased')),
    mark       INTEGER NOT NULL,
    run        TEXT NOT NULL,
    at         TEXT NOT NULL,
    PRIMARY KEY (connection, why, mark)
) WITHOUT ROWID;
