-- Leases that ran out, the first ones first.
SELECT id FROM lease WHERE until <= :now ORDER BY until, id LIMIT :max;
