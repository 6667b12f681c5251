-- begin_beside
-- $1: locks that this transaction shares with others of its kind, in the order in which to take
-- them.
SELECT count(*) FROM unnest($1::bigint[]) AS wanted, LATERAL pg_advisory_xact_lock_shared(wanted)
