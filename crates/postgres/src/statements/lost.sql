-- The entries of a claim whose answer was lost. $1 now, $2 unix time, $3 token, $4 the end of its leases
-- at the earliest, $5 lease.
WITH moment AS (
    SELECT
        greatest($1, max(engine_ms)) AS now,
        coalesce($2, (extract(epoch FROM clock_timestamp()) * 1000)::int8) AS unix
    FROM nylas_inbox.clock
)
SELECT position
FROM nylas_inbox.jobs
WHERE token = $3 AND state < 2 AND state = 1
    -- There is an index of times, and none of tokens.
    AND at_ms >= $4 AND at_ms <= (SELECT now + $5 FROM moment)
