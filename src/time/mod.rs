//! Clocks and timers, injected so that tests control the time.
//!
//! [`Clock`] reads the time, [`Timer`] sleeps. [`SystemClock`] is the default of
//! [`Secrets`](crate::Secrets), `TokioTimer` (feature `tokio`) that of the layers, and
//! `testing::VirtualClock` (feature `testing`) is both for tests. For another runtime, implement
//! `Timer`:
//!
//! ```
//! # mod some_runtime { pub async fn sleep(_: std::time::Duration) {} }
//! use std::time::{Duration, Instant};
//! use tower_nylas::time::{Clock, Sleep, Timer};
//!
//! struct SomeTimer;
//!
//! impl Clock for SomeTimer {
//!     fn now(&self) -> Instant {
//!         Instant::now()
//!     }
//! }
//!
//! impl Timer for SomeTimer {
//!     fn sleep(&self, duration: Duration) -> Sleep {
//!         Box::pin(some_runtime::sleep(duration))
//!     }
//! }
//! ```

mod check;
#[cfg(feature = "tokio")]
mod tokio;
#[cfg(any(feature = "api", feature = "inbox", feature = "testing"))]
mod within;

use std::{
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

pub(crate) use self::check::TimerCheck;
pub use self::check::TimerMissing;
#[cfg(feature = "tokio")]
pub use self::tokio::TokioTimer;
#[cfg(any(feature = "api", feature = "inbox", feature = "testing"))]
pub(crate) use self::within::within;

/// Reads the time: all that [`Secrets`](crate::Secrets) need.
pub trait Clock: Send + Sync + 'static {
    /// The present moment on a monotonic clock, for deadlines and durations.
    fn now(&self) -> Instant;

    /// The time since the Unix epoch, for comparison with times from elsewhere, such as those in a
    /// notification. It is not monotonic.
    ///
    /// The default reads the system's clock, and returns zero if that is set before 1970. A clock
    /// whose [`now`](Self::now) is not the system's has to implement this as well, or the two drift
    /// apart.
    fn unix_time(&self) -> Duration {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        since_epoch.unwrap_or_default()
    }
}

/// A clock that can also sleep: what the layers with a deadline need.
///
/// A layer sleeps only while a body or a handler is pending. A request whose body has arrived
/// completely and whose handler answers at once needs no sleep.
pub trait Timer: Clock {
    /// A future that completes once `duration` has passed.
    fn sleep(&self, duration: Duration) -> Sleep;

    /// Whether [`sleep`](Self::sleep) works in the task that calls this; by default `true`.
    ///
    /// A layer asks at its first requests, until the answer is `true`, and refuses them with `503`
    /// as long as it is not: without a deadline, the first slow request would show it, and perhaps
    /// months later.
    fn can_sleep(&self) -> bool {
        true
    }
}

/// 100 years: used where a duration is too long for the clock.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// `duration` after a moment, or 100 years after it; `None` if the clock represents neither.
pub(crate) fn later(now: Instant, duration: Duration) -> Option<Instant> {
    now.checked_add(duration)
        .or_else(|| now.checked_add(LONGEST))
}

/// What [`Timer::sleep`] returns.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

impl<T: Clock + ?Sized> Clock for Arc<T> {
    fn now(&self) -> Instant {
        T::now(self)
    }

    fn unix_time(&self) -> Duration {
        T::unix_time(self)
    }
}

impl<T: Timer + ?Sized> Timer for Arc<T> {
    fn sleep(&self, duration: Duration) -> Sleep {
        T::sleep(self, duration)
    }

    fn can_sleep(&self) -> bool {
        T::can_sleep(self)
    }
}

/// [`Instant::now`] and [`SystemTime::now`], the default clock of [`Secrets`](crate::Secrets).
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(Instant);

    impl Clock for Fixed {
        fn now(&self) -> Instant {
            self.0
        }

        fn unix_time(&self) -> Duration {
            Duration::from_secs(7)
        }
    }

    impl Timer for Fixed {
        fn sleep(&self, _: Duration) -> Sleep {
            Box::pin(std::future::ready(()))
        }

        fn can_sleep(&self) -> bool {
            false
        }
    }

    #[test]
    fn an_arc_forwards_all_that_its_timer_implements() {
        let now = Instant::now();
        let timer: Arc<dyn Timer> = Arc::new(Fixed(now));
        let seen = (Clock::now(&timer), Clock::unix_time(&timer));
        assert_eq!(seen, (now, Duration::from_secs(7)));
        assert!(!Timer::can_sleep(&timer));
    }

    #[test]
    fn the_system_clock_reads_the_time_of_the_system() {
        let unix_time = || SystemTime::UNIX_EPOCH.elapsed().unwrap();
        let before = unix_time();
        let seen = SystemClock.unix_time();
        assert!((before..=unix_time()).contains(&seen), "{seen:?}");
    }
}
