-- audit_head
SELECT * FROM _audit ORDER BY place DESC LIMIT 1
