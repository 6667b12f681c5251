INSERT INTO _runs
    (id, connection, workflow, source, plan, inputs, granted, "trigger", state, started_at,
     ended_at, evidence)
VALUES
    (:id, :connection, :workflow, :source, :plan, :inputs, :granted, :trigger, :state,
     :started_at, :ended_at, :evidence)
ON CONFLICT (id) DO UPDATE SET
    connection = excluded.connection,
    workflow   = excluded.workflow,
    source     = excluded.source,
    plan       = excluded.plan,
    inputs     = excluded.inputs,
    granted    = excluded.granted,
    "trigger"  = excluded."trigger",
    state      = excluded.state,
    started_at = excluded.started_at,
    ended_at   = excluded.ended_at,
    evidence   = excluded.evidence
