-- The scope of that level and key beneath another.
SELECT id FROM scope WHERE parent = :parent AND level = :level AND key = :key;
