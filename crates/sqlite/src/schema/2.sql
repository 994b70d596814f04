-- For operators: pages of dead entries, and their number by cause and trigger. Whatever is never dead
-- does not touch them.
CREATE INDEX dead_by_position ON jobs (position) WHERE state = 4;
CREATE INDEX dead_by_group ON jobs (cause, type, position) WHERE state = 4;
