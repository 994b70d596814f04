-- $1 now, $2 unix time, $3 most entries, $4 most bytes, $5 lease, $6 token, $7 from which moment on.
-- What is before that was claimed and handled, and as long as a transaction is open somewhere that may
-- still see it, each claim would pass over all of it.
WITH moment AS (
    SELECT
        greatest($1, max(engine_ms)) AS now,
        coalesce($2, (extract(epoch FROM clock_timestamp()) * 1000)::int8) AS unix
    FROM nylas_inbox.clock
), due AS MATERIALIZED (
    SELECT position, state, at_ms, size, claimed_unix_ms
    FROM nylas_inbox.jobs
    -- A row, since of two limits on one column the server expects next to nothing in between, and would
    -- read and sort all of it.
    WHERE state < 2 AND at_ms <= (SELECT now FROM moment) AND (at_ms, 0) >= ($7::int8, 0)
    ORDER BY at_ms
    LIMIT $3
    FOR UPDATE SKIP LOCKED
), taken AS (
    SELECT position, (state = 1)::int4 AS crashed, at_ms AS due_ms, claimed_unix_ms AS before
    FROM (SELECT *, sum(size) OVER (ORDER BY at_ms, position) AS total FROM due) AS summed
    WHERE total <= $4 OR total = size
), claimed AS (
    UPDATE nylas_inbox.jobs
    SET state = 1, at_ms = now + $5, token = $6, claimed_unix_ms = unix,
        crashes = crashes + crashed, events = events + 2 * crashed
    FROM taken, moment
    WHERE jobs.position = taken.position
    RETURNING jobs.position, key, crashes, failures, events, crashed, due_ms, before,
        coalesce(now - first_failure_ms, 0) AS failing_ms, unix
), noted AS (
    INSERT INTO nylas_inbox.history (position, event, at_unix_ms, what)
    SELECT position, events - 1, coalesce(before, unix), 'claimed' FROM claimed WHERE crashed = 1
    UNION ALL
    SELECT position, events, unix, 'crashed' FROM claimed WHERE crashed = 1
), trimmed AS (
    DELETE FROM nylas_inbox.history USING claimed
    WHERE crashed = 1 AND history.position = claimed.position AND event <= events - 32
)
SELECT position, key, crashes, failures, failing_ms, head, content, due_ms
FROM claimed LEFT JOIN nylas_inbox.bodies USING (position)
ORDER BY due_ms
