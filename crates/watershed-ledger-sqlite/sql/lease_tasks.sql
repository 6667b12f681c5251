-- Tasks of a run that are leased.
SELECT ifnull(sum(tasks), 0) FROM lease WHERE run = :run;
