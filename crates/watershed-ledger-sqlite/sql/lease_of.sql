-- Leases of this worker.
SELECT id FROM lease WHERE worker = :worker ORDER BY id;
