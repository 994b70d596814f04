-- Arrays: $2 positions, $3 tokens.
WITH removed AS (
    DELETE FROM nylas_inbox.jobs
    USING unnest($2::int8[], $3::int8[]) AS receipt (position, token)
    WHERE jobs.position = receipt.position AND jobs.token = receipt.token AND state = 1
    RETURNING jobs.position, state, size, events
)
