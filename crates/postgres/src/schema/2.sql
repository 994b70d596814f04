-- For operators: pages of dead entries, and their number by cause and trigger. Whatever is never dead
-- does not touch them.
CREATE INDEX dead_by_position ON nylas_inbox.jobs (position) WHERE state = 3;
CREATE INDEX dead_by_group ON nylas_inbox.jobs (cause, type, position) WHERE state = 3;

-- Contents are looked up by position alone. To sample them would read much, and put parts of them into
-- the statistics.
ALTER TABLE nylas_inbox.bodies
    ALTER COLUMN position SET STATISTICS 10,
    ALTER COLUMN head SET STATISTICS 0,
    ALTER COLUMN content SET STATISTICS 0;
