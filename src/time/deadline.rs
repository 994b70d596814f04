use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use super::{Sleep, Timer};

/// A stretch of waiting that may not last longer than a limit.
pub(crate) struct Deadline {
    timer: Arc<dyn Timer>,
    limit: Duration,
    sleep: Option<Sleep>,
}

impl Deadline {
    pub(crate) fn new(timer: Arc<dyn Timer>, limit: Duration) -> Self {
        Self {
            timer,
            limit,
            sleep: None,
        }
    }

    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }

    /// Called when there is nothing to do but wait; the first call starts the time. (Arming a
    /// timer earlier would cost every request that never waits.)
    pub(crate) fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Self {
            timer,
            limit,
            sleep,
        } = self;
        sleep
            .get_or_insert_with(|| timer.sleep(*limit))
            .as_mut()
            .poll(cx)
    }
}

impl fmt::Debug for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deadline")
            .field("limit", &self.limit)
            .field("armed", &self.sleep.is_some())
            .finish_non_exhaustive()
    }
}
