//! The time of the inbox, which no clock that is set wrong turns back or lets jump ahead.
//!
//! It is a moment in the table `clock`, and the monotonic progress that processes have seen since.
//! Each writes the moment that it has reached once a second; none goes back behind the latest one.
//! The database's clock, which all replicas share, decides only how much time has passed while no
//! process ran, and what is shown.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tower_nylas::time::Clock;

/// How far the time of the inbox may move while no process ran. A clock that is ahead by a year
/// would otherwise let every key and dead entry expire.
pub(crate) const MOST_WITHOUT_PROCESS: i64 = 60 * 60 * 1000;

/// The longest time that is stored, in milliseconds: a thousand years, which can be added up.
const LONGEST: i64 = 1000 * 366 * 24 * 60 * 60 * 1000;

pub(crate) struct InboxClock {
    /// `None`: the system's monotonic one, and the database's.
    clock: Option<Arc<dyn Clock>>,
    /// A moment, and the time of the inbox then.
    known: Mutex<(Instant, i64)>,
}

impl InboxClock {
    /// At this time of the inbox now.
    pub(crate) fn start(clock: Option<Arc<dyn Clock>>, at: i64) -> Self {
        let now = monotonic(clock.as_ref());
        Self {
            clock,
            known: Mutex::new((now, at)),
        }
    }

    /// The time of the inbox.
    pub(crate) fn now(&self) -> i64 {
        let now = monotonic(self.clock.as_ref());
        let (since, at) = *self.known.lock().unwrap_or_else(PoisonError::into_inner);
        at.saturating_add(millis(now.saturating_duration_since(since)))
    }

    /// Follows another process that is ahead.
    pub(crate) fn follow(&self, at: i64) {
        let now = monotonic(self.clock.as_ref());
        if at > self.now() {
            *self.known.lock().unwrap_or_else(PoisonError::into_inner) = (now, at);
        }
    }

    /// The time since the Unix epoch, where it is not that of the database.
    pub(crate) fn unix(&self) -> Option<i64> {
        unix(self.clock.as_ref())
    }
}

pub(crate) fn unix(clock: Option<&Arc<dyn Clock>>) -> Option<i64> {
    clock.map(|clock| millis(clock.unix_time()))
}

fn monotonic(clock: Option<&Arc<dyn Clock>>) -> Instant {
    clock.map_or_else(Instant::now, Clock::now)
}

pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).map_or(LONGEST, |millis| millis.min(LONGEST))
}

pub(crate) fn duration(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}
