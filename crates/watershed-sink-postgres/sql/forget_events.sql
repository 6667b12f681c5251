-- forget_events
DELETE FROM _inbox
WHERE place IN (SELECT place FROM _inbox WHERE done_at < $1 ORDER BY done_at LIMIT $2)
