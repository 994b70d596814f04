-- Of dead entries: $1 cause, $2 type, $3 grant, $4 key (each of these may be null), $5 below which
-- position, $6 most rows, $7 most bytes, $8 whether only those without a type.
WITH selected AS MATERIALIZED (
    SELECT position, key, state, false AS waits, cause, crashes, failures, why, size
    FROM nylas_inbox.jobs
    WHERE state = 3
        AND ($1::text IS NULL OR cause = $1)
        AND ($2::text IS NULL OR type = $2)
        AND (NOT $8::bool OR type IS NULL)
        AND ($3::text IS NULL OR grant_id = $3)
        AND ($4::bytea IS NULL OR position = (SELECT k.position FROM nylas_inbox.keys k WHERE k.key = $4))
        AND position < $5
    ORDER BY position DESC
    LIMIT $6
), summed AS (
    SELECT *, sum(size) OVER (ORDER BY position DESC) AS total FROM selected
)
SELECT position, key, state, waits, cause, crashes, failures, why, head, content
FROM summed LEFT JOIN nylas_inbox.bodies USING (position)
WHERE total <= $7 OR total = size
ORDER BY position DESC
