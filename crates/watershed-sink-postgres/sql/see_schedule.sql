-- see_schedule
INSERT INTO _schedules (workflow, connection, schedule, first_seen_at, decided_until)
VALUES ($1, $2, $3, $4, $4)
ON CONFLICT (workflow, connection, schedule) DO NOTHING
