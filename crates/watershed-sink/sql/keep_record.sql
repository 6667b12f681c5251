-- keep_record
-- Before its row holds another record: what this listing said.
UPDATE _members SET record = :record WHERE listing = :listing AND "key" = :key AND record IS NULL
