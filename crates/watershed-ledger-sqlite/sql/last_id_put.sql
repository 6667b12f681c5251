-- Keeps the last id that was given.
UPDATE last_id SET id = :id WHERE one = 1;
