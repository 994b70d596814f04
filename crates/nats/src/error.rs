//! Why a cluster cannot be used, and why a call fails later.

use std::{error::Error, fmt};

use async_nats::jetstream::{self, ErrorCode};
use tower_nylas::{BoxError, inbox::engine::Failure};

/// A cluster cannot be used as an inbox. No stream that was there was changed.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// No server can be reached, or it refuses the user.
    Unreachable(BoxError),
    /// The name of an inbox has other characters than letters, digits, `_` and `-`, or none.
    Name(String),
    /// A stream or a consumer is there with another configuration than this one needs or asks for.
    Setting {
        /// Of the stream or the consumer.
        of: String,
        /// Its name in the server's configuration.
        name: &'static str,
        /// The value that it should have.
        wanted: String,
        /// The value that it has.
        found: String,
    },
    /// A stream of this name belongs to another application.
    Foreign {
        /// Its name.
        stream: String,
    },
    /// A later version of this crate has created the streams.
    Newer {
        /// The version of the streams.
        found: u32,
        /// The latest version that this crate reads.
        known: u32,
    },
    /// Anything else, for instance a single server of which three replicas are asked for.
    Other(BoxError),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(why) => write!(f, "the cluster cannot be reached: {why}"),
            Self::Name(name) => write!(
                f,
                "{name:?} is no name of an inbox: it may have letters, digits, `_` and `-`"
            ),
            Self::Setting {
                of,
                name,
                wanted,
                found,
            } => write!(
                f,
                "the setting {name} of {of} is {found}, and has to be {wanted}"
            ),
            Self::Foreign { stream } => {
                write!(f, "the stream {stream} belongs to another application")
            }
            Self::Newer { found, known } => write!(
                f,
                "the streams have version {found}, and this program reads versions up to {known}: \
                 a later version of it has created them"
            ),
            Self::Other(why) => write!(f, "the inbox cannot be opened: {why}"),
        }
    }
}

impl Error for OpenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unreachable(why) | Self::Other(why) => Some(&**why),
            _ => None,
        }
    }
}

impl From<Failure> for OpenError {
    fn from(why: Failure) -> Self {
        Self::Other(why.into())
    }
}

/// What the server says in an error of the client, if it says anything.
pub(crate) fn code_of(why: &(dyn Error + 'static)) -> Option<(ErrorCode, String)> {
    let mut next = Some(why);
    while let Some(why) = next {
        if let Some(said) = why.downcast_ref::<jetstream::Error>() {
            return Some((said.error_code(), said.to_string()));
        }
        next = why.source();
    }
    None
}

/// Whether a stream, or its account, has no room for a message.
pub(crate) fn is_full(code: ErrorCode, text: &str) -> bool {
    match code {
        // One code for all that a store refuses.
        ErrorCode::STREAM_STORE_FAILED => {
            text.contains("maximum bytes") || text.contains("maximum messages")
        }
        code => [
            ErrorCode::ACCOUNT_RESOURCES_EXCEEDED,
            ErrorCode::INSUFFICIENT_RESOURCES,
            ErrorCode::MEMORY_RESOURCES_EXCEEDED,
            ErrorCode::STORAGE_RESOURCES_EXCEEDED,
        ]
        .contains(&code),
    }
}
