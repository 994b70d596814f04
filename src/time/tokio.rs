use std::{
    panic::catch_unwind,
    time::{Duration, Instant},
};

use super::{Clock, Sleep, Timer};

/// The timer of the tokio runtime that polls the request.
///
/// Its Unix time is the system's, even while tokio's own clock is paused.
///
/// It needs a tokio runtime whose time driver is enabled, as that of `#[tokio::main]` is. In
/// another one, and outside of any, it [cannot sleep](Timer::can_sleep), and the layers answer
/// `503`. To find that out, a panic of tokio is caught, which the panic hook prints; a program
/// built with `panic = "abort"` ends there.
///
/// # Panics
///
/// [`Timer::sleep`] panics where [`Timer::can_sleep`] is `false`.
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

    /// tokio has no other way to ask.
    fn can_sleep(&self) -> bool {
        catch_unwind(|| drop(tokio::time::sleep(Duration::ZERO))).is_ok()
    }
}
