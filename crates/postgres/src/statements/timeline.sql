-- $1 key.
SELECT
    jobs.stored_unix_ms, jobs.claimed_unix_ms, jobs.state, jobs.events,
    history.at_unix_ms, history.what, history.after_ms, history.cause, history.why
FROM nylas_inbox.keys
JOIN nylas_inbox.jobs USING (position)
LEFT JOIN nylas_inbox.history USING (position)
WHERE keys.key = $1
ORDER BY event
