-- The number of a run.
SELECT number FROM run_number WHERE run = :run;
