-- $1 now, $2 unix time, $3 state, $4 whether it waits, $5 cause, $6 type, $7 grant (each of these may
-- be null), $8 below which position, $9 most rows, $10 key (may be null), $11 most bytes, $12 whether only
-- those without a type.
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
        AND ($5::text IS NULL OR cause = $5)
        AND ($6::text IS NULL OR type = $6)
        AND (NOT $12::bool OR type IS NULL)
        AND ($7::text IS NULL OR grant_id = $7)
        AND ($10::bytea IS NULL OR position = (SELECT k.position FROM nylas_inbox.keys k WHERE k.key = $10))
        AND position < $8
    ORDER BY position DESC
    LIMIT $9
), summed AS (
    SELECT *, sum(size) OVER (ORDER BY position DESC) AS total FROM selected
)
SELECT position, key, state, waits, cause, crashes, failures, why, head, content
FROM summed LEFT JOIN nylas_inbox.bodies USING (position)
WHERE total <= $11 OR total = size
ORDER BY position DESC
