-- How many records there are.
SELECT (SELECT count(*) FROM plan) + (SELECT count(*) FROM run) + (SELECT count(*) FROM counts)
  + (SELECT count(*) FROM scope) + (SELECT count(*) FROM chunk) + (SELECT count(*) FROM task)
  + (SELECT count(*) FROM listing) + (SELECT count(*) FROM lease) + (SELECT count(*) FROM worker)
  + (SELECT count(*) FROM budget);
