//! What is known of a notification when its handler begins, and when it ends.

use std::time::{Duration, Instant};

#[cfg(any(feature = "metrics", feature = "tracing"))]
use crate::notification::Head;
use crate::{report::Report, verify::VerifiedBody};

pub(crate) struct Facts<'a> {
    /// `None` if it could not be decoded.
    pub(super) body: Option<&'a VerifiedBody>,
    /// Bytes.
    pub(super) on_the_wire: usize,
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
    pub(super) whole: Duration,
}

#[cfg(any(feature = "metrics", feature = "tracing"))]
impl Facts<'_> {
    pub(super) fn head(&self) -> Option<Head<'_>> {
        self.body.map(|body| Head::of(body.bytes()))
    }

    /// From the time in the notification until verified; zero if the clocks differ.
    pub(super) fn age(&self, head: Option<&Head<'_>>) -> Option<Duration> {
        let time = head?.time()?;
        let happened = Duration::from_secs(u64::try_from(time).ok()?);
        Some(self.unix_time.saturating_sub(happened))
    }
}
