-- Calls of each UTC day under each of an account's limits of a day, as the ledger counted them
-- last: it may lose its count, and another one goes on from this. `day`: `yyyy-mm-dd`. Never edit
-- this file once it has been released.
CREATE TABLE _days (
    account    TEXT NOT NULL,
    categories TEXT NOT NULL,
    day        TEXT NOT NULL,
    calls      INTEGER NOT NULL CHECK (calls >= 0),
    at         TEXT NOT NULL,
    PRIMARY KEY (account, categories, day)
) WITHOUT ROWID;
