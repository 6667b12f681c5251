-- Leases of all workers but this one.
SELECT id FROM lease WHERE worker <> :worker ORDER BY id;
