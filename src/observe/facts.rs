//! What is known of a notification when its handler is called, and when it is answered.

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, Instant},
};

#[cfg(feature = "router")]
pub(super) use crate::notification::Head;
use crate::report::{CodingFault, Report};

/// Without the router, the crate parses no JSON, so there is none.
#[cfg(not(feature = "router"))]
pub(super) enum Head<'a> {
    Never(std::convert::Infallible, &'a ()),
}

pub(crate) struct Facts<'a> {
    /// `None` if the body could not be decoded.
    pub(super) head: Option<&'a Head<'a>>,
    /// From 1.
    pub(super) attempt: Option<u32>,
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

/// Which notification it is, for those who need it at its end, when the body is gone.
pub(crate) struct Identity {
    pub(super) destination: Arc<str>,
    pub(super) trigger: Option<String>,
    pub(super) notification_id: Option<String>,
    pub(super) attempt: Option<u32>,
}

/// How a verified notification ended.
pub(crate) struct End<'a> {
    pub(super) report: Report<'a>,
    pub(super) now: Instant,
    /// From verified and inflated until the end.
    pub(super) handling: Duration,
}

impl Facts<'_> {
    pub(super) fn identity(&self, destination: &Arc<str>) -> Identity {
        Identity {
            destination: destination.clone(),
            trigger: self.head.and_then(Head::trigger).map(str::to_owned),
            notification_id: self.head.and_then(Head::id).map(Cow::into_owned),
            attempt: self.attempt,
        }
    }

    /// From the time in the notification until verified; zero if the clocks differ.
    #[cfg(any(feature = "metrics", feature = "tracing"))]
    pub(super) fn age(&self) -> Option<Duration> {
        let time = self.head?.time()?;
        let happened = Duration::from_secs(u64::try_from(time).ok()?);
        Some(self.unix_time.saturating_sub(happened))
    }
}

#[cfg(not(feature = "router"))]
impl Head<'_> {
    fn trigger(&self) -> Option<&str> {
        match *self {
            Self::Never(never, ()) => match never {},
        }
    }

    fn id(&self) -> Option<Cow<'_, str>> {
        match *self {
            Self::Never(never, ()) => match never {},
        }
    }

    pub(super) fn attempt(&self) -> Option<u32> {
        match *self {
            Self::Never(never, ()) => match never {},
        }
    }
}
