-- restore_member
INSERT INTO _members (listing, "key", record)
SELECT :listing, :key, :record
WHERE EXISTS (
    SELECT 1 FROM _listings WHERE listing = :listing AND first_at = :first_at AND run = :run
)
ON CONFLICT (listing, "key") DO NOTHING
