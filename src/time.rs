//! Time as the crate sees it: injected, so that a test can hold it still.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

/// Tells what time it is. [`Secrets`](crate::Secrets) needs no more than this.
pub trait Clock: Send + Sync + 'static {
    /// The present moment, on a clock that never goes back.
    fn now(&self) -> Instant;
}

/// A clock that can also wait: what the layers with a deadline need.
///
/// A timer is asked to sleep only when something is really being waited for. A request whose body
/// lies there whole and whose handler answers at once never touches it.
pub trait Timer: Clock {
    /// A future that completes once `duration` has passed.
    fn sleep(&self, duration: Duration) -> Sleep;
}

/// What [`Timer::sleep`] returns.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

impl<T: Clock + ?Sized> Clock for Arc<T> {
    fn now(&self) -> Instant {
        T::now(self)
    }
}

impl<T: Timer + ?Sized> Timer for Arc<T> {
    fn sleep(&self, duration: Duration) -> Sleep {
        T::sleep(self, duration)
    }
}

/// [`Instant::now`], the default clock of [`Secrets`](crate::Secrets).
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }
}

/// The timer of the tokio runtime that polls the request.
///
/// # Panics
///
/// [`Timer::sleep`] panics outside a tokio runtime whose time driver is enabled. Servers built on
/// tokio (axum, hyper, tonic) always have one.
#[cfg(feature = "tokio")]
#[derive(Debug, Clone, Copy, Default)]
pub struct TokioTimer;

#[cfg(feature = "tokio")]
impl Clock for TokioTimer {
    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }
}

#[cfg(feature = "tokio")]
impl Timer for TokioTimer {
    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(duration))
    }
}

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
