-- $2 keys.
WITH removed AS (
    DELETE FROM nylas_inbox.jobs
    WHERE state = 3 AND position IN (
        SELECT position FROM nylas_inbox.keys WHERE key = ANY ($2::bytea[])
    )
    RETURNING position, state, size, events
)
