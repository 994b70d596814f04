-- Behind each statement that removes jobs: what belongs to them goes as well. $1 slot.
, bodies AS (
    DELETE FROM nylas_inbox.bodies USING removed WHERE bodies.position = removed.position
), history AS (
    DELETE FROM nylas_inbox.history USING removed
    WHERE events > 0 AND history.position = removed.position
), counted AS (
    UPDATE nylas_inbox.counters
    SET bytes = bytes - (SELECT sum(size) FROM removed),
        done_bytes = done_bytes - (SELECT coalesce(sum(size), 0) FROM removed WHERE state = 2)
    WHERE slot = $1 AND EXISTS (SELECT FROM removed)
)
SELECT position FROM removed
