-- Forgets a scope.
DELETE FROM scope WHERE id = :id;
