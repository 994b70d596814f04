use std::time::{Duration, Instant};

use super::{Clock, Sleep, Timer};

/// The timer of the tokio runtime that polls the request.
///
/// Its Unix time is the system's, even while tokio's own clock is paused.
///
/// # Panics
///
/// [`Timer::sleep`] panics outside a tokio runtime whose time driver is enabled. Servers built on
/// tokio (axum, hyper, tonic) always have one.
#[derive(Debug, Clone, Copy, Default)]
pub struct TokioTimer;

impl Clock for TokioTimer {
    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }
}

impl Timer for TokioTimer {
    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(duration))
    }
}
