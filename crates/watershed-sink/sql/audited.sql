SELECT * FROM _audit WHERE place > :after ORDER BY place LIMIT :limit
