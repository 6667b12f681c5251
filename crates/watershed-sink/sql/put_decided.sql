UPDATE _schedules
SET decided_until = :due_at
WHERE workflow = :workflow AND connection = :connection AND schedule = :schedule
    AND decided_until < :due_at
