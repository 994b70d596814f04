-- $1 from when, $2 until when, $3 most rows.
WITH looked AS MATERIALIZED (
    SELECT key, stored_ms, position
    FROM nylas_inbox.keys
    WHERE stored_ms >= $1 AND stored_ms <= $2
    ORDER BY stored_ms
    LIMIT $3
    FOR UPDATE SKIP LOCKED
), forgotten AS (
    DELETE FROM nylas_inbox.keys USING looked
    WHERE keys.key = looked.key
        AND NOT EXISTS (SELECT FROM nylas_inbox.jobs WHERE jobs.position = looked.position)
    RETURNING keys.key
)
SELECT
    (SELECT count(*) FROM looked) AS looked,
    (SELECT count(*) FROM forgotten) AS forgotten,
    (SELECT max(stored_ms) FROM looked) AS last
