//! Why an operation has no result.

use std::{error::Error, fmt, time::Duration};

use super::ApiError;
use crate::{
    report::{BoxError, SharedError},
    time::TimerMissing,
};

/// Why an operation has no result.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum SendError {
    /// Nylas has refused it, or what it answered cannot be read.
    Api(ApiError),
    /// The client has failed; whether Nylas has got the request is not known.
    Transport(SharedError),
    /// It took longer than this; whether Nylas has got the request is not known.
    TimedOut(Duration),
    /// The response is longer than this number of bytes. Nylas has done what was asked.
    TooLarge(usize),
    /// The timer cannot sleep, so nothing was sent.
    TimerMissing(TimerMissing),
}

impl SendError {
    pub(super) fn transport(error: impl Into<BoxError>) -> Self {
        Self::Transport(SharedError::from(error.into()))
    }

    /// Whether the same request may succeed later. One that creates or rotates may have succeeded
    /// already: [`reconcile`](super::reconcile) and [`rotate`](super::rotate()) find out.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Api(error) => error.is_retryable(),
            Self::Transport(_) | Self::TimedOut(_) => true,
            Self::TooLarge(_) | Self::TimerMissing(_) => false,
        }
    }

    /// How Nylas has refused it, if it has.
    pub fn api(&self) -> Option<&ApiError> {
        match self {
            Self::Api(error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Api(error) => error.fmt(f),
            Self::Transport(_) => f.write_str("the request to Nylas' API has failed"),
            Self::TimedOut(limit) => write!(f, "Nylas' API has not answered within {limit:?}"),
            Self::TooLarge(max) => write!(f, "the response has more than {max} bytes"),
            Self::TimerMissing(missing) => missing.fmt(f),
        }
    }
}

impl Error for SendError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Transport(why) => Some(&**why),
            Self::Api(_) | Self::TimedOut(_) | Self::TooLarge(_) | Self::TimerMissing(_) => None,
        }
    }
}
