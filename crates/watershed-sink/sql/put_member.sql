-- put_member
-- Of several records of one key the first stays: children are made of that one.
INSERT INTO _members (listing, "key", record)
VALUES (:listing, :key, :record)
ON CONFLICT (listing, "key") DO NOTHING
