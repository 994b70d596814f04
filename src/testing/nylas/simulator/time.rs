//! The time of the simulated service, which may pass faster than that of its receivers.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::time::Timer;

#[derive(Clone)]
pub(super) struct Time {
    /// That of the receivers, for deadlines.
    pub(super) timer: Arc<dyn Timer>,
    start: Instant,
    unix_start: Duration,
    factor: u32,
}

impl Time {
    pub(super) fn new(timer: Arc<dyn Timer>, factor: u32) -> Self {
        Self {
            start: timer.now(),
            unix_start: timer.unix_time(),
            factor: factor.max(1),
            timer,
        }
    }

    /// Since the start.
    pub(super) fn elapsed(&self) -> Duration {
        let elapsed = self.timer.now().saturating_duration_since(self.start);
        elapsed.saturating_mul(self.factor)
    }

    /// In Unix seconds, as Nylas writes times.
    pub(super) fn unix(&self) -> u64 {
        self.unix_start.saturating_add(self.elapsed()).as_secs()
    }

    pub(super) async fn sleep(&self, duration: Duration) {
        if !duration.is_zero() {
            self.timer.sleep(duration / self.factor).await;
        }
    }

    /// Until this time since the start.
    pub(super) async fn sleep_until(&self, end: Duration) {
        self.sleep(end.saturating_sub(self.elapsed())).await;
    }
}
