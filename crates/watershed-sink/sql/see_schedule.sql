INSERT INTO _schedules (workflow, connection, schedule, first_seen_at, decided_until)
VALUES (:workflow, :connection, :schedule, :now, :now)
ON CONFLICT (workflow, connection, schedule) DO NOTHING
