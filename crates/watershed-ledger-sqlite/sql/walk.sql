-- What is counted and not there, or there and not counted: a sentence each, none where all is well.
WITH work AS (
  SELECT 'chunk' AS kind, id, run, step, scope, open AS items FROM chunk
  UNION ALL
  SELECT 'task', id, run, body ->> '$.step', body ->> '$.scope', 1 FROM task
),
open AS (SELECT run, step, sum(items) AS items FROM work GROUP BY run, step),
held AS (
  SELECT lease.id, lease.run, lease.tasks, coalesce(chunk.step, task.body ->> '$.step') AS step,
    lease.body ->> '$.of.task' AS task,
    (SELECT count(*) FROM json_each(lease.body, '$.open') WHERE value) AS items
  FROM lease
  LEFT JOIN chunk ON chunk.id = lease.body ->> '$.of.range.chunk'
  LEFT JOIN task ON task.id = lease.body ->> '$.of.task'
),
leased AS (SELECT run, step, sum(items) AS items FROM held GROUP BY run, step),
counted AS (
  SELECT run_number.number AS run, run.run AS name, tally.key AS step, tally.value AS tally,
    run.state IN ('cancelling', 'cancelled') AS dropped
  FROM run JOIN run_number USING (run) JOIN counts USING (run),
    json_each(counts.body, '$.steps') AS tally
),
compared AS (
  SELECT name, step, 'open' AS what, tally ->> '$.open' AS counted, ifnull(items, 0) AS there
  FROM counted LEFT JOIN open USING (run, step)
  UNION ALL
  SELECT name, step, 'leased', tally ->> '$.leased', ifnull(items, 0)
  FROM counted LEFT JOIN leased USING (run, step)
  UNION ALL
  -- What a cancelled run dropped is known, and nothing more.
  SELECT name, step, 'known', tally ->> '$.known',
    (tally ->> '$.open') + (tally ->> '$.done') + (tally ->> '$.skipped')
      + (tally ->> '$.unavailable') + (tally ->> '$.waiting') + (tally ->> '$.failed')
  FROM counted WHERE NOT dropped
),
-- What keeps a scope from folding.
unit AS (
  SELECT scope FROM work
  UNION ALL
  SELECT parent FROM scope WHERE parent IS NOT NULL AND NOT body ->> '$.folded'
  UNION ALL
  SELECT scope.id FROM scope, json_each(scope.body, '$.states') AS join_state
  WHERE join_state.value = 'waiting'
),
units AS (SELECT scope AS id, count(*) AS there FROM unit GROUP BY scope)
SELECT 'run ' || name || ', step ' || step || ': ' || counted || ' are counted as ' || what || ', '
  || there || ' are'
FROM compared WHERE counted <> there
UNION ALL
SELECT 'scope ' || scope.id || ' counts ' || (body ->> '$.units') || ' units, '
  || ifnull(there, 0) || ' are'
FROM scope LEFT JOIN units USING (id) WHERE body ->> '$.units' <> ifnull(there, 0)
UNION ALL
SELECT 'scope ' || id || ' is missing' FROM units WHERE id NOT IN (SELECT id FROM scope)
UNION ALL
SELECT 'lease ' || id || ' is of nothing' FROM held WHERE step IS NULL
UNION ALL
SELECT 'lease ' || id || ' counts ' || tasks || ' open, ' || items || ' are'
FROM held WHERE tasks <> items
UNION ALL
SELECT 'task ' || id || ' is leased by nobody'
FROM task WHERE leased AND id NOT IN (SELECT task FROM held WHERE task IS NOT NULL)
UNION ALL
SELECT 'chunk ' || id || ' is not where its items say' FROM chunk
WHERE open > len OR (next < len) <> (rank IS NOT NULL)
UNION ALL
SELECT kind || ' ' || id || ' is of no run' FROM work
WHERE run NOT IN (SELECT number FROM run_number JOIN run USING (run))
UNION ALL
SELECT 'run ' || run || ': its counts are missing' FROM run
WHERE run NOT IN (SELECT run FROM counts)
UNION ALL
SELECT 'run ' || run || ': its plan is missing' FROM run
WHERE body ->> '$.plan_hash' NOT IN (SELECT hash FROM plan);
