-- The next id.
UPDATE last_id SET id = id + 1 WHERE one = 1 RETURNING id;
