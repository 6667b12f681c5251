DELETE FROM _listings WHERE listing = :listing
