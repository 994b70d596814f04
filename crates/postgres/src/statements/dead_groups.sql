-- $1 most groups.
SELECT cause, type, count(*) AS entries, max(position) AS last
FROM nylas_inbox.jobs
WHERE state = 3
GROUP BY cause, type
ORDER BY entries DESC, last DESC
LIMIT $1
