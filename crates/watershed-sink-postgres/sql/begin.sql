-- begin
-- $1: locks, in the order in which to take them. Gives the durability of this transaction:
-- never less than `on`, and more where the server has more.
SELECT
    set_config(
        'synchronous_commit',
        CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END,
        true
    ) AS synchronous_commit,
    (SELECT count(*) FROM unnest($1::bigint[]) AS wanted, LATERAL pg_advisory_xact_lock(wanted))
        AS locked
