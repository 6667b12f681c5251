-- A run.
SELECT body FROM run WHERE run = :run;
