//! What is known of a notification when its handler begins, and when it ends.

use std::time::{Duration, SystemTime};

use crate::{Outcome, notification::Head};

pub(super) struct Facts<'a> {
    /// `None` if the body could not be decoded, or nobody listens.
    pub(super) head: Option<Head<'a>>,
    pub(super) on_the_wire: usize,
    /// From arrival until verified and inflated.
    pub(super) reading: Duration,
}

impl Facts<'_> {
    /// How long ago it happened; zero if the clocks differ.
    pub(super) fn age(&self) -> Option<Duration> {
        let time = self.head.as_ref()?.time?;
        let since_epoch = Duration::from_secs(u64::try_from(time).ok()?);
        let then = SystemTime::UNIX_EPOCH.checked_add(since_epoch)?;
        Some(SystemTime::now().duration_since(then).unwrap_or_default())
    }
}

/// How a delivery ended.
pub(super) struct End<'a> {
    pub(super) label: &'static str,
    /// `None` if the client went away.
    #[cfg_attr(not(feature = "tracing"), allow(dead_code))]
    pub(super) answer: Option<(u16, &'a Outcome)>,
    pub(super) handling: Duration,
    #[cfg_attr(not(feature = "metrics"), allow(dead_code))]
    pub(super) whole: Duration,
}
