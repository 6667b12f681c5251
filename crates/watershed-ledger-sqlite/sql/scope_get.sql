-- A scope.
SELECT body FROM scope WHERE id = :id;
