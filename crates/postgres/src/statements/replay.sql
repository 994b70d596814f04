-- $1 now, $2 unix time, $3 slot, $4 keys.
WITH moment AS (
    SELECT
        greatest($1, max(engine_ms)) AS now,
        coalesce($2, (extract(epoch FROM clock_timestamp()) * 1000)::int8) AS unix
    FROM nylas_inbox.clock
), ended AS MATERIALIZED (
    SELECT position, state, size
    FROM nylas_inbox.jobs
    -- An array and no join, which could read all keys for each dead entry where few are expected.
    WHERE state >= 2 AND position = ANY (ARRAY(
        SELECT position FROM nylas_inbox.keys WHERE key = ANY ($4::bytea[])
    ))
    ORDER BY position
    FOR UPDATE
), replayed AS (
    UPDATE nylas_inbox.jobs
    SET state = 0, at_ms = now, token = NULL, crashes = 0, failures = 0, first_failure_ms = NULL,
        cause = NULL, events = events + 1
    FROM ended, moment
    WHERE jobs.position = ended.position
    RETURNING jobs.position, events, unix
), noted AS (
    INSERT INTO nylas_inbox.history (position, event, at_unix_ms, what)
    SELECT position, events, unix, 'replayed' FROM replayed
), trimmed AS (
    DELETE FROM nylas_inbox.history USING replayed
    WHERE history.position = replayed.position AND event <= events - 32
), counted AS (
    UPDATE nylas_inbox.counters
    SET done_bytes = done_bytes - (SELECT sum(size) FROM ended WHERE state = 2)
    WHERE slot = $3 AND EXISTS (SELECT FROM ended WHERE state = 2)
)
SELECT position FROM replayed
