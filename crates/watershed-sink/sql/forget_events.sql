DELETE FROM _inbox
WHERE place IN (
    SELECT place FROM _inbox WHERE done_at < :before ORDER BY done_at LIMIT :limit
)
