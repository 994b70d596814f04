//! How a claim ends.

use std::{error::Error, fmt, time::Duration};

use crate::report::BoxError;

/// How a claim ends.
///
/// Exhaustive, so that no engine overlooks a new kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// It is handled. Its content may be deleted; its key is remembered.
    Done,
    /// It comes again.
    Retry {
        /// Not before this time has passed; zero gives the claim back.
        after: Duration,
        /// Whether this counts as a failure. To wait is none.
        failed: bool,
        /// The reason, for the operator: one line of up to 512 characters and their escapes.
        why: String,
    },
    /// It does not come again, unless it is replayed. It is kept.
    Dead {
        /// The kind of the reason.
        cause: DeadCause,
        /// The reason, for the operator: one line of up to 512 characters and their escapes.
        why: String,
    },
}

impl Settlement {
    /// The value of a label for it.
    #[cfg(any(feature = "metrics", feature = "tracing"))]
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Retry { failed: true, .. } => "failed",
            Self::Retry { failed: false, .. } => "put_off",
            Self::Dead { cause, .. } => cause.as_str(),
        }
    }

    /// The same once more, for another claim: its failure is counted already.
    pub(super) fn counted(mut self) -> Self {
        if let Self::Retry { failed, .. } = &mut self {
            *failed = false;
        }
        self
    }

    /// Gives the claim back, without a failure: it is due again at once.
    pub(super) fn given_back(why: &str) -> Self {
        Self::Retry {
            after: Duration::ZERO,
            failed: false,
            why: why.to_owned(),
        }
    }
}

/// Why an entry is dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DeadCause {
    /// The process has died five times while it was handled.
    Crashed,
    /// It was tried as often as the engine or the application allows. A [`Worker`](super::Worker)
    /// has no such limit.
    Exhausted,
    /// It still failed 72 hours after its first failure.
    Expired,
    /// No handler reads it.
    Malformed,
    /// What the engine has stored cannot be read. Also shown, counted and selected as this: what is
    /// dead of a cause that a later version has stored, and this one does not know.
    Undecodable,
}

impl DeadCause {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Crashed,
        Self::Exhausted,
        Self::Expired,
        Self::Malformed,
        Self::Undecodable,
    ];

    /// Its name, as engines store it and metrics show it: `crashed`, `exhausted`, `expired`,
    /// `malformed`, `undecodable`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Crashed => "crashed",
            Self::Exhausted => "exhausted",
            Self::Expired => "expired",
            Self::Malformed => "malformed",
            Self::Undecodable => "undecodable",
        }
    }

    /// The cause of this [name](Self::as_str).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == name)
    }
}

impl fmt::Display for DeadCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A claim was not extended or settled.
#[derive(Debug)]
#[non_exhaustive]
pub enum SettleError {
    /// Another claim has replaced it, or it is settled already. To try again is useless.
    LeaseLost,
    /// The engine failed, so it is not known whether the claim is settled: to be tried again.
    Unavailable(BoxError),
}

impl fmt::Display for SettleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LeaseLost => f.write_str("the claim has ended, and another one replaced it"),
            Self::Unavailable(why) => write!(f, "the inbox failed: {why}"),
        }
    }
}

impl Error for SettleError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::LeaseLost => None,
            Self::Unavailable(why) => Some(&**why),
        }
    }
}
