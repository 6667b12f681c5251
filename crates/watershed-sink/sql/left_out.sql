SELECT connection, why, mark, run, at
FROM _left_out
WHERE connection = :connection
ORDER BY why, mark
