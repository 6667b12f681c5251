-- A step that goes newest first has queues of its own, so that they can be looked up apart:
-- 16 + 2 * step for its items of known month, 17 + 2 * step for the others. All else waits in
-- its category's, under the category's number. What puts the work of an older file into them:
-- src/migrations.rs.
DROP INDEX chunk_ready;
ALTER TABLE chunk ADD COLUMN queue INTEGER;
UPDATE chunk SET queue = category WHERE category IS NOT NULL;
ALTER TABLE chunk DROP COLUMN category;
CREATE INDEX chunk_ready ON chunk (run, queue, rank, id) WHERE rank IS NOT NULL;

DROP INDEX task_ready;
ALTER TABLE task ADD COLUMN queue INTEGER;
UPDATE task SET queue = category WHERE category IS NOT NULL;
CREATE INDEX task_ready ON task (run, queue, rank, id) WHERE rank IS NOT NULL;
