-- People who are left out of a connection's data, by keyed marks: `excluded`, as the run saw that
-- stands there, or `erased` for good. Never edit this file once it has been released.
CREATE TABLE _left_out (
    connection text COLLATE "C" NOT NULL,
    why        text COLLATE "C" NOT NULL CHECK (why IN ('excluded', 'erased')),
    mark       bigint NOT NULL,
    run        text NOT NULL,
    at         timestamptz NOT NULL,
    PRIMARY KEY (connection, why, mark)
);
