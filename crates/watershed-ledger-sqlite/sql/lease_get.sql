-- A lease.
SELECT body FROM lease WHERE id = :id;
