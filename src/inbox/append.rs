//! What becomes of an entry that is to be stored.

use std::{error::Error, fmt};

use crate::report::BoxError;

/// An entry is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Appended {
    /// It is new.
    New,
    /// An entry with its key was stored before, and may have been handled since.
    Duplicate,
}

/// An entry is not stored. The client sees `503`, and Nylas sends it again.
#[derive(Debug)]
#[non_exhaustive]
pub enum AppendError {
    /// The inbox has no room for new entries: known before anything was written.
    Full,
    /// This entry never fits.
    TooLarge {
        /// The largest content, in bytes.
        limit: usize,
    },
    /// The engine failed, so it is not known whether the entry is stored.
    Unavailable(BoxError),
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("the inbox is full"),
            Self::TooLarge { limit } => write!(
                f,
                "the notification is larger than the {limit} bytes that the inbox stores"
            ),
            Self::Unavailable(why) => write!(f, "the inbox failed: {why}"),
        }
    }
}

impl Error for AppendError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unavailable(why) => Some(&**why),
            Self::Full | Self::TooLarge { .. } => None,
        }
    }
}
