DELETE FROM _members WHERE listing = :listing AND "key" = :key
