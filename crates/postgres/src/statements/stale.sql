-- Tables with far more rows than the server believes, and whose statistics this user may renew.
-- $1 schema, $2 how many rows do not matter, $3 how many times as many do not.
SELECT relname::text
FROM pg_catalog.pg_class
JOIN pg_catalog.pg_stat_all_tables USING (relname)
WHERE schemaname = $1 AND relid = pg_class.oid AND relkind = 'r'
    AND n_live_tup > $2 + $3 * greatest(reltuples, 0)
    AND pg_has_role(relowner, 'USAGE')
ORDER BY relname
