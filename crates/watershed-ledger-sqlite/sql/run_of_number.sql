-- The run of that number.
SELECT run FROM run_number WHERE number = :number;
