-- Times that decide are milliseconds of the file's own clock (columns named _ms, and jobs.at); times
-- that are only shown are milliseconds since the Unix epoch (columns named _unix_ms).
CREATE TABLE meta (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    -- When the last transaction was written, on both clocks.
    file_ms INTEGER NOT NULL,
    unix_ms INTEGER NOT NULL,
    last_position INTEGER NOT NULL DEFAULT 0,
    -- Keys up to there are in key_index.
    indexed_position INTEGER NOT NULL DEFAULT 0,
    -- What the contents of all entries take, and of those that are done and kept.
    bytes INTEGER NOT NULL DEFAULT 0,
    done_bytes INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Every key of the window, in the order in which they came.
CREATE TABLE keys (
    position INTEGER PRIMARY KEY,
    key BLOB NOT NULL,
    stored_ms INTEGER NOT NULL
) STRICT;

-- Where keys are, but for the newest. It may say what is no longer true.
CREATE TABLE key_index (
    key BLOB PRIMARY KEY,
    position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One row for each entry that is there: small, since it is written several times.
CREATE TABLE jobs (
    position INTEGER PRIMARY KEY,
    -- 0 ready, 1 waiting, 2 claimed, 3 done, 4 dead
    state INTEGER NOT NULL,
    -- Ready, done, dead: since when. Waiting, claimed: until when.
    at INTEGER NOT NULL,
    token INTEGER,
    stored_unix_ms INTEGER NOT NULL,
    claimed_unix_ms INTEGER,
    crashes INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    first_failure_ms INTEGER,
    -- How many rows of history there ever were.
    events INTEGER NOT NULL DEFAULT 0,
    size INTEGER NOT NULL,
    type TEXT,
    grant_id TEXT,
    cause TEXT,
    why TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX jobs_by_state ON jobs (state, at);

-- Written once and read once.
CREATE TABLE bodies (
    position INTEGER PRIMARY KEY,
    head BLOB NOT NULL,
    content BLOB NOT NULL
) STRICT;

-- What has happened to an entry that was not done at once.
CREATE TABLE history (
    position INTEGER NOT NULL,
    event INTEGER NOT NULL,
    unix_ms INTEGER NOT NULL,
    -- claimed, crashed, done, failed, put_off, dead, replayed
    what TEXT NOT NULL,
    after_ms INTEGER,
    cause TEXT,
    why TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (position, event)
) STRICT, WITHOUT ROWID;

-- For the `sqlite3` shell.
CREATE VIEW dead_letters AS
SELECT
    jobs.position,
    lower(hex(keys.key)) AS key,
    jobs.type,
    jobs.grant_id,
    jobs.cause,
    jobs.why,
    jobs.crashes,
    jobs.failures,
    datetime(jobs.stored_unix_ms / 1000, 'unixepoch') AS stored,
    CAST(bodies.content AS TEXT) AS content
FROM jobs
LEFT JOIN keys USING (position)
LEFT JOIN bodies USING (position)
WHERE jobs.state = 4;
