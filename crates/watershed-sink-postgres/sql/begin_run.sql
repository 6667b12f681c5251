-- begin_run
INSERT INTO _runs
    (id, connection, workflow, source, plan, inputs, granted, "trigger", state, started_at,
     ended_at, evidence)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (id) DO NOTHING
