//! The time of the file, which no clock that is set wrong turns back or lets jump ahead.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tower_nylas::time::Clock;

/// How often a process that has nothing to do writes its time into the file.
pub(crate) const BEAT: Duration = Duration::from_secs(60);

/// How far the time of the file may move while nobody had it open. A clock that is ahead by a year
/// would otherwise let every key and dead entry expire.
const MOST_ALONE: i64 = 60 * 60 * 1000;

/// And how far since another process, which has it open, has written last.
const MOST_BESIDE: i64 = 2 * 60 * 1000;

/// The moment of a transaction, on both clocks, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    /// The time of the file: what is due, and what is old, is decided by it alone.
    pub(crate) file: i64,
    /// Since the Unix epoch. Only to be shown.
    pub(crate) unix: i64,
}

/// The last moment that a transaction has written into the file, and monotonic progress since.
#[derive(Clone)]
pub(crate) struct FileClock {
    clock: Arc<dyn Clock>,
    start: Instant,
    at_start: i64,
}

impl FileClock {
    /// A clock for a file without a moment of its own yet.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let start = clock.now();
        let at_start = millis(clock.unix_time());
        Self {
            clock,
            start,
            at_start,
        }
    }

    /// Continues from the moment in the file. Returns what was left out of the time that has passed
    /// since then by the system's clock.
    pub(crate) fn resume(&mut self, last: Now, is_alone: bool) -> i64 {
        let passed = self.now().unix.saturating_sub(last.unix).max(0);
        let counted = passed.min(if is_alone { MOST_ALONE } else { MOST_BESIDE });
        self.start = self.clock.now();
        self.at_start = last.file.saturating_add(counted);
        passed - counted
    }

    /// Follows another process that is ahead.
    pub(crate) fn follow(&mut self, file: i64) {
        let behind = file.saturating_sub(self.now().file);
        self.at_start = self.at_start.saturating_add(behind.max(0));
    }

    pub(crate) fn now(&self) -> Now {
        let passed = self.clock.now().saturating_duration_since(self.start);
        Now {
            file: self.at_start.saturating_add(millis(passed)),
            unix: millis(self.clock.unix_time()),
        }
    }
}

pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

pub(crate) fn duration(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}
