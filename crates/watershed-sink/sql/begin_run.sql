INSERT INTO _runs
    (id, connection, workflow, source, plan, inputs, granted, "trigger", state, started_at,
     ended_at, evidence)
VALUES
    (:id, :connection, :workflow, :source, :plan, :inputs, :granted, :trigger, :state,
     :started_at, :ended_at, :evidence)
ON CONFLICT (id) DO NOTHING
