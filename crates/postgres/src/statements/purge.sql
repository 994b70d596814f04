-- $2 grant, $3 most rows.
WITH removed AS (
    DELETE FROM nylas_inbox.jobs
    WHERE position IN (
        SELECT position FROM nylas_inbox.jobs
        WHERE grant_id = $2 AND state <> 1
        ORDER BY position
        LIMIT $3
        FOR UPDATE
    )
    RETURNING position, state, size, events
)
