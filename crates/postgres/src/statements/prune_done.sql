-- $2 how many bytes, $3 most rows.
WITH oldest AS MATERIALIZED (
    SELECT position, at_ms, size
    FROM nylas_inbox.jobs
    WHERE state = 2
    ORDER BY at_ms
    LIMIT $3
    FOR UPDATE SKIP LOCKED
), removed AS (
    DELETE FROM nylas_inbox.jobs
    WHERE position IN (
        SELECT position
        FROM (
            SELECT position, sum(size) OVER (ORDER BY at_ms, position) - size AS before FROM oldest
        ) AS summed
        WHERE before < $2
    )
    RETURNING position, state, size, events
)
