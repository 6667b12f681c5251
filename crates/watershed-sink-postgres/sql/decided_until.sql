SELECT decided_until
FROM _schedules
WHERE workflow = $1 AND connection = $2 AND schedule = $3
