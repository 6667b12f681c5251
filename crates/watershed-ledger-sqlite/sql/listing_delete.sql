-- Forgets a listing's keys.
DELETE FROM listing WHERE task = :task;
