-- $2 state, $3 until when, $4 most rows.
WITH removed AS (
    DELETE FROM nylas_inbox.jobs
    WHERE position IN (
        SELECT position FROM nylas_inbox.jobs
        WHERE state = $2 AND state >= 2 AND at_ms <= $3
        ORDER BY at_ms
        LIMIT $4
        FOR UPDATE SKIP LOCKED
    )
    RETURNING position, state, size, events
)
