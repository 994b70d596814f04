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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    const HOUR: i64 = 60 * 60 * 1000;

    /// Both clocks, set by hand.
    #[derive(Clone)]
    struct Hands(Arc<Mutex<(Instant, Duration)>>);

    impl Hands {
        fn new() -> Self {
            let start = (Instant::now(), Duration::from_secs(1_767_225_600));
            Self(Arc::new(Mutex::new(start)))
        }

        fn pass(&self, monotonic: i64, wall: i64) {
            let mut hands = self.0.lock().unwrap();
            hands.0 += duration(monotonic);
            hands.1 = duration(millis(hands.1) + wall);
        }
    }

    impl Clock for Hands {
        fn now(&self) -> Instant {
            self.0.lock().unwrap().0
        }

        fn unix_time(&self) -> Duration {
            self.0.lock().unwrap().1
        }
    }

    #[test]
    fn while_it_runs_the_wall_clock_changes_nothing() {
        let hands = Hands::new();
        let clock = FileClock::new(Arc::new(hands.clone()));
        let start = clock.now().file;
        for wall in [HOUR, -10 * HOUR, 10_000 * HOUR] {
            hands.pass(0, wall);
            assert_eq!(clock.now().file, start);
        }
        hands.pass(HOUR, 0);
        assert_eq!(clock.now().file, start + HOUR);
    }

    #[test]
    fn at_open_it_follows_the_wall_clock_within_bounds() {
        for (is_alone, wall, counted, left_out) in [
            (true, HOUR / 2, HOUR / 2, 0),
            (true, 100 * HOUR, HOUR, 99 * HOUR),
            (true, -100 * HOUR, 0, 0),
            (false, 30_000, 30_000, 0),
            (false, HOUR, MOST_BESIDE, HOUR - MOST_BESIDE),
        ] {
            let hands = Hands::new();
            let mut clock = FileClock::new(Arc::new(hands.clone()));
            let last = clock.now();
            hands.pass(0, wall);
            assert_eq!(clock.resume(last, is_alone), left_out);
            assert_eq!(clock.now().file, last.file + counted);
        }
    }

    #[test]
    fn it_follows_others_forward_only() {
        let mut clock = FileClock::new(Arc::new(Hands::new()));
        let now = clock.now().file;
        clock.follow(now - HOUR);
        assert_eq!(clock.now().file, now);
        clock.follow(now + HOUR);
        assert_eq!(clock.now().file, now + HOUR);
    }
}
