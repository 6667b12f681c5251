SELECT connection, why, mark, run, at
FROM _left_out
WHERE connection = $1
ORDER BY why, mark
