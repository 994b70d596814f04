-- $1 now, $2 unix time. What has ended is counted in its index.
WITH moment AS (
    SELECT
        greatest($1, max(engine_ms)) AS now,
        coalesce($2, (extract(epoch FROM clock_timestamp()) * 1000)::int8) AS unix
    FROM nylas_inbox.clock
)
SELECT
    count(*) FILTER (WHERE state = 0 AND at_ms <= now) AS ready,
    count(*) FILTER (WHERE state = 0 AND at_ms > now) AS waiting,
    count(*) FILTER (WHERE state = 1) AS claimed,
    (SELECT count(*) FROM nylas_inbox.jobs WHERE state >= 2 AND state = 2) AS done,
    (SELECT count(*) FROM nylas_inbox.jobs WHERE state >= 2 AND state = 3) AS dead,
    max(now - at_ms) FILTER (WHERE state = 0 AND at_ms <= now) AS oldest_ready,
    (SELECT sum(bytes)::int8 FROM nylas_inbox.counters) AS bytes
FROM moment LEFT JOIN nylas_inbox.jobs ON state < 2
