-- letters
-- A page of dead letters after an id, '' for the first.
SELECT * FROM _failures WHERE id > :after ORDER BY id LIMIT :limit
