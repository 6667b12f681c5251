DELETE FROM _members WHERE listing = ANY($1::bigint[])
