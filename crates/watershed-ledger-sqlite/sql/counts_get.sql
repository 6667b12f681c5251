-- A run's counts.
SELECT body FROM counts WHERE run = :run;
