-- $1 now, $2 unix time.
UPDATE nylas_inbox.clock
SET engine_ms = greatest($1, engine_ms),
    now_unix_ms = coalesce($2, (extract(epoch FROM clock_timestamp()) * 1000)::int8)
RETURNING engine_ms, (SELECT sum(done_bytes)::int8 FROM nylas_inbox.counters) AS done_bytes
