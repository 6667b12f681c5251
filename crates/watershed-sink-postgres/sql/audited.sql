-- audited
SELECT * FROM _audit WHERE place > $1 ORDER BY place LIMIT $2
