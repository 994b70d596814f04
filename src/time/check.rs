//! Whether a timer works, found out before it is needed.

use std::{
    error::Error,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::Timer;

/// The timer of a layer [cannot sleep](Timer::can_sleep), so deadlines cannot be kept. The client
/// sees `503`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimerMissing;

impl fmt::Display for TimerMissing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the timer of the layer cannot sleep here: `TokioTimer` needs a tokio runtime whose \
             `Builder` got `enable_time` or `enable_all`",
        )
    }
}

impl Error for TimerMissing {}

/// Remembers that a timer can sleep, so that all requests but the first pay one load.
#[derive(Debug, Default)]
pub(crate) struct TimerCheck {
    can_sleep: AtomicBool,
}

impl TimerCheck {
    #[inline]
    pub(crate) fn examine(&self, timer: &Arc<dyn Timer>) -> Result<(), TimerMissing> {
        if self.can_sleep.load(Ordering::Relaxed) || self.ask(timer) {
            Ok(())
        } else {
            Err(TimerMissing)
        }
    }

    /// A timer that cannot sleep is asked again: the next request may be in another runtime.
    #[cold]
    fn ask(&self, timer: &Arc<dyn Timer>) -> bool {
        let can_sleep = timer.can_sleep();
        self.can_sleep.store(can_sleep, Ordering::Relaxed);
        can_sleep
    }
}

/// The clone finds it out itself.
impl Clone for TimerCheck {
    fn clone(&self) -> Self {
        Self::default()
    }
}
