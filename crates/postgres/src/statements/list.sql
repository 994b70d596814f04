-- Of entries that are not dead, or of all: $1 now, $2 unix time, $3 state, $4 whether it waits, $5 type,
-- $6 grant (each of these may be null), $7 below which position, $8 most rows, $9 key (may be null),
-- $10 most bytes, $11 whether only those without a type.
WITH moment AS (
    SELECT
        greatest($1, max(engine_ms)) AS now,
        coalesce($2, (extract(epoch FROM clock_timestamp()) * 1000)::int8) AS unix
    FROM nylas_inbox.clock
), selected AS MATERIALIZED (
    SELECT position, key, state, at_ms > now AS waits, cause, crashes, failures, why, size
    FROM moment, nylas_inbox.jobs
    WHERE ($3::int4 IS NULL OR state = $3)
        AND ($4::bool IS NULL OR (at_ms > now) = $4)
        AND ($5::text IS NULL OR type = $5)
        AND (NOT $11::bool OR type IS NULL)
        AND ($6::text IS NULL OR grant_id = $6)
        AND ($9::bytea IS NULL OR position = (SELECT k.position FROM nylas_inbox.keys k WHERE k.key = $9))
        AND position < $7
    ORDER BY position DESC
    LIMIT $8
), summed AS (
    SELECT *, sum(size) OVER (ORDER BY position DESC) AS total FROM selected
)
SELECT position, key, state, waits, cause, crashes, failures, why, head, content
FROM summed LEFT JOIN nylas_inbox.bodies USING (position)
WHERE total <= $10 OR total = size
ORDER BY position DESC
