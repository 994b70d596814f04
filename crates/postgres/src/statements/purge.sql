-- $2 grant, $3 most rows, $4 behind which position, $5 up to which.
WITH removed AS (
    DELETE FROM nylas_inbox.jobs
    WHERE position IN (
        SELECT position FROM nylas_inbox.jobs
        WHERE grant_id = $2 AND state <> 1 AND position > $4 AND position <= $5
        ORDER BY position
        LIMIT $3
        FOR UPDATE
    )
    RETURNING position, state, size, events
)
