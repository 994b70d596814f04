//! A virtual clock whose wall clock somebody has set wrong.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use tower_nylas::{
    testing::VirtualClock,
    time::{Clock, Sleep, Timer},
};

/// A virtual clock whose wall clock can be set; the monotonic one goes on as before.
#[derive(Debug, Clone, Default)]
pub struct Shifted {
    pub clock: VirtualClock,
    seconds: Arc<AtomicI64>,
}

impl Shifted {
    /// Sets the wall clock so many seconds ahead, or back.
    pub fn shift(&self, seconds: i64) {
        self.seconds.store(seconds, Ordering::SeqCst);
    }
}

impl Clock for Shifted {
    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn unix_time(&self) -> Duration {
        let seconds = self.seconds.load(Ordering::SeqCst);
        let shift = Duration::from_secs(seconds.unsigned_abs());
        if seconds < 0 {
            self.clock.unix_time().saturating_sub(shift)
        } else {
            self.clock.unix_time().saturating_add(shift)
        }
    }
}

impl Timer for Shifted {
    fn sleep(&self, duration: Duration) -> Sleep {
        self.clock.sleep(duration)
    }
}
