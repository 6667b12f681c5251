-- Gives a key free.
DELETE FROM once WHERE name = :name AND key = :key;
