-- Lets entries that wait come earlier. $1 by how much, $2 not before this moment, those from $3 on,
-- $4 most rows.
WITH next AS MATERIALIZED (
    SELECT position, at_ms
    FROM nylas_inbox.jobs
    WHERE state < 1 AND at_ms >= $3
    ORDER BY at_ms
    LIMIT $4
    FOR UPDATE SKIP LOCKED
), moved AS (
    UPDATE nylas_inbox.jobs
    SET at_ms = greatest(next.at_ms - $1, $2)
    FROM next
    WHERE jobs.position = next.position
)
SELECT max(at_ms) AS last, count(*) AS moved FROM next
