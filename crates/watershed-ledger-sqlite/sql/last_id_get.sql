-- The last id that was given.
SELECT id FROM last_id WHERE one = 1;
