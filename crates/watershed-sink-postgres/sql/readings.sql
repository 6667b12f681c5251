-- readings
SELECT listing, first_at, run, whole FROM _listings WHERE listing = ANY($1::bigint[])
