-- Tasks that lost so many leases in a row.
SELECT id FROM task
WHERE run = :run AND lost > 0 AND lost >= :lost_min AND leased = 0 ORDER BY id LIMIT :max;
