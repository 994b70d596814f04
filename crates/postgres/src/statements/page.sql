-- $1 behind which position, $2 how many.
SELECT max(position) AS last
FROM (
    SELECT position FROM nylas_inbox.jobs WHERE position > $1 ORDER BY position LIMIT $2
) AS page
