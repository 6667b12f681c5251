-- restore_clear
-- What an older reading brought goes with it.
DELETE FROM _members
WHERE listing = :listing
    AND EXISTS (SELECT 1 FROM _listings WHERE listing = :listing AND first_at < :first_at)
