-- $1 now, $2 unix time, $3 slot, $4 most bytes, $5 window, and arrays: $6 keys, $7 sizes, $8 types,
-- $9 grants, $10 heads, $11 contents. No key comes twice. And $12: whether commits may be lost.
WITH moment AS (
    SELECT
        greatest($1, max(engine_ms)) AS now,
        coalesce($2, (extract(epoch FROM clock_timestamp()) * 1000)::int8) AS unix
    FROM nylas_inbox.clock
), input AS (
    SELECT * FROM unnest($6::bytea[], $7::int8[], $8::text[], $9::text[])
    WITH ORDINALITY AS input (key, size, type, grant_id, number)
), room AS (
    SELECT ($4 - sum(bytes))::int8 AS room FROM nylas_inbox.counters
), new AS (
    -- In one order for all, or two that have the same keys would wait for each other.
    INSERT INTO nylas_inbox.keys AS known (key, stored_ms)
    SELECT key, now FROM input, moment, room
    WHERE room >= (SELECT sum(size) FROM input)
    ORDER BY key
    ON CONFLICT (key) DO UPDATE
    SET position = excluded.position, stored_ms = excluded.stored_ms
    WHERE known.stored_ms <= excluded.stored_ms - $5
        -- Not `NOT EXISTS`, for which all jobs are read where few are expected.
        AND (SELECT true FROM nylas_inbox.jobs WHERE jobs.position = known.position) IS NULL
    RETURNING key, position
), stored AS (
    INSERT INTO nylas_inbox.jobs (position, key, at_ms, stored_unix_ms, size, type, grant_id)
    SELECT position, key, now, unix, size, type, grant_id
    FROM new JOIN input USING (key), moment
), contents AS (
    INSERT INTO nylas_inbox.bodies (position, head, content)
    SELECT position, head, content
    FROM new JOIN input USING (key)
    JOIN unnest($10::bytea[], $11::bytea[])
        WITH ORDINALITY AS body (head, content, number) USING (number)
), counted AS (
    UPDATE nylas_inbox.counters
    SET bytes = bytes + (SELECT sum(size) FROM new JOIN input USING (key))
    WHERE slot = $3 AND EXISTS (SELECT FROM new)
)
SELECT room, (SELECT array_agg(key) FROM new) AS new,
    -- Read at the commit, and forgotten with it: whoever had the connection before, or the role, may
    -- have set something else.
    CASE WHEN NOT $12 AND current_setting('synchronous_commit') IN ('off', 'local')
        THEN set_config('synchronous_commit', 'on', true)
    END AS asserted
FROM room
