SELECT decided_until
FROM _schedules
WHERE workflow = :workflow AND connection = :connection AND schedule = :schedule
