//! Why a notification is still truncated.

use std::fmt;

use crate::api::RefetchError;

/// Why the inner service of a [`RefetchLayer`](super::RefetchLayer) gets a truncated notification
/// as it came; in the [extensions](http::Extensions) of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotRefetched {
    /// The object was deleted since.
    Gone,
    /// The object has more than this number of bytes.
    TooLarge(usize),
    /// The API key was refused, and [`OnUnauthorized::PassTruncated`] was chosen.
    Unauthorized,
    /// It could not be fetched, and this is the last attempt of Nylas.
    LastAttempt,
    /// There is no path to it.
    NoObject(RefetchError),
}

impl fmt::Display for NotRefetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone => f.write_str("the object was deleted"),
            Self::TooLarge(max) => write!(f, "the object has more than {max} bytes"),
            Self::Unauthorized => f.write_str("the API key was refused"),
            Self::LastAttempt => {
                f.write_str("the object could not be fetched until the last attempt")
            }
            Self::NoObject(why) => why.fmt(f),
        }
    }
}

/// What happens to a truncated notification if Nylas refuses the API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnUnauthorized {
    /// `503`, so that Nylas sends it again when the key may be right; reported as an error.
    #[default]
    Retry,
    /// The truncated notification goes on.
    PassTruncated,
}
