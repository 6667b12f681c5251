-- Keeps what changed of a scope.
UPDATE scope SET body = :body WHERE id = :id;
