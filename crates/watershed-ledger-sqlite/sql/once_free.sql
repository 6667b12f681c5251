-- Gives a key free.
DELETE FROM once WHERE connection = :connection AND operation = :operation AND key = :key;
