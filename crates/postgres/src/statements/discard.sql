-- $2 keys.
WITH removed AS (
    DELETE FROM nylas_inbox.jobs
    -- An array and no join, which could read all keys for each dead entry where few are expected.
    WHERE state = 3 AND position = ANY (ARRAY(
        SELECT position FROM nylas_inbox.keys WHERE key = ANY ($2::bytea[])
    ))
    RETURNING position, state, size, events
)
