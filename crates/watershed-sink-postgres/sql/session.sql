-- session
-- Once for each connection. Durability is set again in each transaction (begin.sql), for a
-- pooler may give it another session. What is asked is always few keys of large tables: a plan
-- made while a table was small must not go on reading all of it.
SET statement_timeout = '60s';
SET lock_timeout = '30s';
SET idle_in_transaction_session_timeout = '60s';
SET default_transaction_isolation = 'read committed';
SET TimeZone = 'UTC';
SET enable_seqscan = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
-- What has no index to go by counts as dear without sequential scans, and would be compiled.
SET jit = off;
SET client_min_messages = 'warning';
