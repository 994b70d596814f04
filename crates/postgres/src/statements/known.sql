-- $1 now, $2 unix time, $3 most bytes, $4 window, $5 keys.
WITH moment AS (
    SELECT
        greatest($1, max(engine_ms)) AS now,
        coalesce($2, (extract(epoch FROM clock_timestamp()) * 1000)::int8) AS unix
    FROM nylas_inbox.clock
)
SELECT
    (SELECT ($3 - sum(bytes))::int8 FROM nylas_inbox.counters) AS room,
    (
        SELECT array_agg(key) FROM nylas_inbox.keys
        WHERE key = ANY ($5::bytea[]) AND (
            stored_ms > now - $4
            -- Not `EXISTS`, for which all jobs are read where few are expected.
            OR (SELECT true FROM nylas_inbox.jobs WHERE jobs.position = keys.position)
        )
    ) AS known
FROM moment
