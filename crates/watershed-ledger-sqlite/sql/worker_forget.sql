-- Forgets workers that hold no lease, but for the newest ones.
DELETE FROM worker
WHERE number <= (SELECT max(number) FROM worker) - :kept
  AND worker NOT IN (SELECT worker FROM lease);
