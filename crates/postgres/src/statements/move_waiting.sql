-- Lets entries that wait come earlier. $1 by how much, $2 not before this moment, those behind $3 time
-- and $4 position, $5 most rows.
WITH next AS MATERIALIZED (
    SELECT position, at_ms
    FROM nylas_inbox.jobs
    WHERE state < 2 AND state = 0 AND at_ms >= $3 AND (at_ms, position) > ($3, $4)
    ORDER BY at_ms, position
    LIMIT $5
    FOR UPDATE SKIP LOCKED
), moved AS (
    UPDATE nylas_inbox.jobs
    SET at_ms = greatest(next.at_ms - $1, $2)
    FROM next
    WHERE jobs.position = next.position
)
SELECT at_ms, position, (SELECT count(*) FROM next) AS moved
FROM next
ORDER BY at_ms DESC, position DESC
LIMIT 1
