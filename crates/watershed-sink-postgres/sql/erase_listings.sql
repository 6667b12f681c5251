-- erase_listings
DELETE FROM _listings WHERE listing = ANY($1::bigint[])
