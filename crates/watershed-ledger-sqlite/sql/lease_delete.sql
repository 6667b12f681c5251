-- Forgets a lease.
DELETE FROM lease WHERE id = :id;
