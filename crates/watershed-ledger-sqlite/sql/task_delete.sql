-- Forgets a task.
DELETE FROM task WHERE id = :id;
