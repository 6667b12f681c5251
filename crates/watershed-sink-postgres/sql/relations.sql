-- relations
-- Which of these names the schema has, and with which columns.
SELECT c.relname::text AS name, array_agg(a.attname::text) AS columns
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_attribute AS a
    ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname = current_schema() AND c.relname = ANY($1::text[])
    AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
GROUP BY c.relname
