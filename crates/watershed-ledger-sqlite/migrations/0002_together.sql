-- Files of one recording are leased together: one reading of it serves them all.
ALTER TABLE item ADD COLUMN together INTEGER NOT NULL DEFAULT 0 CHECK (together IN (0, 1));
