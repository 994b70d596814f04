use std::{error::Error, fmt, time::Duration};

use crate::inbox::AppendError;

/// Why [`Enqueue`](super::Enqueue) has not stored a notification, in
/// [`Outcome::Failed`](crate::Outcome::Failed). The client sees `503`.
#[derive(Debug)]
#[non_exhaustive]
pub enum EnqueueError {
    /// The inbox has refused it or failed.
    Append(AppendError),
    /// The inbox has not answered within this time.
    TimedOut(Duration),
    /// It comes from a [`Worker`](crate::inbox::Worker), whose service stores it again in place of
    /// handling it. See [`Enqueue::forwarding`](super::Enqueue::forwarding).
    Loop,
}

impl fmt::Display for EnqueueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Append(why) => why.fmt(f),
            Self::TimedOut(limit) => write!(f, "the inbox did not answer within {limit:?}"),
            Self::Loop => f.write_str(
                "it comes from a worker, and an `Enqueue` route of the worker's service would store \
                 it again: give the worker a router with handlers, or, to pass entries on to \
                 another inbox, call `forwarding`",
            ),
        }
    }
}

impl Error for EnqueueError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Append(why) => why.source(),
            Self::TimedOut(_) | Self::Loop => None,
        }
    }
}
