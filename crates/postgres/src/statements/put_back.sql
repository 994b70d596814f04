-- Ends claims whose entries stay. $1 now, $2 unix time, $3 slot, and arrays: $4 positions, $5 tokens,
-- $6 states, $7 pauses, $8 whether it has failed, $9 causes, $10 reasons, $11 names of the events.
WITH moment AS (
    SELECT
        greatest($1, max(engine_ms)) AS now,
        coalesce($2, (extract(epoch FROM clock_timestamp()) * 1000)::int8) AS unix
    FROM nylas_inbox.clock
), held AS (
    UPDATE nylas_inbox.jobs
    SET state = settled.state, at_ms = now + coalesce(after_ms, 0), token = NULL,
        failures = failures + failed::int4,
        first_failure_ms = coalesce(first_failure_ms, CASE WHEN failed THEN now END),
        cause = settled.cause, why = coalesce(settled.why, jobs.why), events = events + 2
    FROM moment, unnest(
        $4::int8[], $5::int8[], $6::int4[], $7::int8[], $8::bool[], $9::text[], $10::text[], $11::text[]
    ) AS settled (position, token, state, after_ms, failed, cause, why, what)
    WHERE jobs.position = settled.position AND jobs.token = settled.token AND jobs.state = 1
    RETURNING jobs.position, settled.state, size, events, claimed_unix_ms, unix,
        what, after_ms, settled.cause, settled.why
), noted AS (
    INSERT INTO nylas_inbox.history (position, event, at_unix_ms, what, after_ms, cause, why)
    SELECT position, events - 1, coalesce(claimed_unix_ms, unix), 'claimed', NULL, NULL, ''
    FROM held
    UNION ALL
    SELECT position, events, unix, what, after_ms, cause, coalesce(why, '') FROM held
), trimmed AS (
    DELETE FROM nylas_inbox.history USING held
    WHERE history.position = held.position AND event <= events - 32
), counted AS (
    UPDATE nylas_inbox.counters
    SET done_bytes = done_bytes + (SELECT sum(size) FROM held WHERE state = 2)
    WHERE slot = $3 AND EXISTS (SELECT FROM held WHERE state = 2)
)
SELECT position FROM held
