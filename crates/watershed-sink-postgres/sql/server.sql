-- server
-- What a server must be to serve as a sink.
SELECT
    current_setting('server_version_num')::int AS number,
    current_setting('server_version') AS version,
    current_setting('server_encoding') AS encoding,
    current_schema()::text AS schema,
    pg_is_in_recovery() AS replica,
    current_setting('transaction_read_only') = 'on' AS read_only,
    has_schema_privilege(current_schema(), 'CREATE') AS may_create
