-- A task.
SELECT body FROM task WHERE id = :id;
