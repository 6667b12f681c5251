-- Calls of each UTC day under each of an account's limits of a day, as the ledger counted them
-- last: it may lose its count, and another one goes on from this. `day`: `yyyy-mm-dd`. Never edit
-- this file once it has been released.
CREATE TABLE _days (
    account    text COLLATE "C" NOT NULL,
    categories text COLLATE "C" NOT NULL,
    day        text COLLATE "C" NOT NULL,
    calls      bigint NOT NULL CHECK (calls >= 0),
    at         timestamptz NOT NULL,
    PRIMARY KEY (account, categories, day)
);
