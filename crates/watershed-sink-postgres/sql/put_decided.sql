-- put_decided
UPDATE _schedules
SET decided_until = $4
WHERE workflow = $1 AND connection = $2 AND schedule = $3
    AND decided_until < $4
