//! What is known of a notification when its handler is called, and when it is answered.

use std::time::{Duration, Instant};

#[cfg(feature = "router")]
pub(super) use crate::notification::Head;
use crate::report::{CodingFault, Report};

/// Without the router, the crate parses no JSON.
#[cfg(not(feature = "router"))]
pub(super) type Head<'a> = &'a ();

pub(crate) struct Facts<'a> {
    /// `None` if the body could not be decoded.
    pub(super) head: Option<&'a Head<'a>>,
    /// Bytes.
    pub(super) on_the_wire: usize,
    /// What was wrong with its coding, if it could be decoded all the same.
    pub(super) fault: Option<CodingFault>,
    /// From arrival until verified and inflated.
    pub(super) reading: Duration,
    pub(super) now: Instant,
    /// Since the Unix epoch.
    pub(super) unix_time: Duration,
}

/// How a verified notification ended.
pub(crate) struct End<'a> {
    /// The status of the answer and what it says; `None` if the client disconnected.
    pub(super) answer: Option<(u16, Report<'a>)>,
    pub(super) now: Instant,
    /// From verified and inflated until the end.
    pub(super) handling: Duration,
    /// From arrival until the end.
    pub(super) total: Duration,
}

#[cfg(any(feature = "metrics", feature = "tracing"))]
impl Facts<'_> {
    /// From the time in the notification until verified; zero if the clocks differ.
    pub(super) fn age(&self) -> Option<Duration> {
        let time = self.head?.time()?;
        let happened = Duration::from_secs(u64::try_from(time).ok()?);
        Some(self.unix_time.saturating_sub(happened))
    }
}
