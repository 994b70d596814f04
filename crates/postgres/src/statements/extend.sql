-- $1 now, $2 unix time, $3 lease, and arrays: $4 positions, $5 tokens.
WITH moment AS (
    SELECT
        greatest($1, max(engine_ms)) AS now,
        coalesce($2, (extract(epoch FROM clock_timestamp()) * 1000)::int8) AS unix
    FROM nylas_inbox.clock
)
UPDATE nylas_inbox.jobs
SET at_ms = now + $3
FROM moment, unnest($4::int8[], $5::int8[]) AS receipt (position, token)
WHERE jobs.position = receipt.position AND jobs.token = receipt.token AND state = 1
RETURNING jobs.position
