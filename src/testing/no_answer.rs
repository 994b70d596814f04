//! Why there was no answer.

use std::{error::Error, fmt, io, iter::successors};

use super::Nylas;
use crate::report::{BoxError, SharedError};

/// Why a request got no answer. Nylas repeats the notification then.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum NoAnswer {
    /// There was none within 10 seconds ([`Nylas::DEADLINE`]).
    TimedOut,
    /// The connection was refused: nothing listens there.
    Refused(SharedError),
    /// The connection was reset or closed before an answer came.
    Disconnected(SharedError),
    /// Any other error of the endpoint or of the client.
    Failed(SharedError),
}

impl NoAnswer {
    /// By what the error or one of its sources says.
    pub(super) fn of(error: impl Into<BoxError>) -> Self {
        let error = SharedError::from(error.into());
        let first: &(dyn Error + 'static) = &*error;
        let has = |is: fn(&(dyn Error + 'static)) -> bool| {
            successors(Some(first), |&error| error.source()).any(is)
        };
        if has(is_refusal) {
            Self::Refused(error)
        } else if has(is_disconnection) {
            Self::Disconnected(error)
        } else {
            Self::Failed(error)
        }
    }
}

fn is_refusal(error: &(dyn Error + 'static)) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

fn is_disconnection(error: &(dyn Error + 'static)) -> bool {
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        return error.is_incomplete_message();
    }
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| {
        matches!(
            error.kind(),
            io::ErrorKind::BrokenPipe
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::UnexpectedEof
        )
    })
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => write!(f, "no answer within {:?}", Nylas::<()>::DEADLINE),
            Self::Refused(why) => write!(f, "the connection was refused: {why}"),
            Self::Disconnected(why) => {
                write!(f, "the connection ended without an answer: {why}")
            }
            Self::Failed(why) => write!(f, "there was no answer: {why}"),
        }
    }
}

impl Error for NoAnswer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::TimedOut => None,
            Self::Refused(why) | Self::Disconnected(why) | Self::Failed(why) => Some(&**why),
        }
    }
}
