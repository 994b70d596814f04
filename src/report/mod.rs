//! What became of a request: a [`Rejection`] before verification, an [`Outcome`] after it, and the
//! [`Report`] of either.

mod ack;
mod coding_fault;
mod hint;
mod line;
mod malformed;
mod outcome;
mod rejection;
mod undecodable;

use std::{
    error::Error,
    fmt::{self, Write},
    sync::Arc,
};

use http::Response;

#[cfg(feature = "tracing")]
pub(crate) use self::line::UpTo;
#[cfg(any(feature = "inbox", feature = "tracing"))]
pub(crate) use self::line::one_line;
pub use self::{
    ack::{Ack, IntoAck},
    coding_fault::CodingFault,
    hint::MismatchHint,
    malformed::MalformedReason,
    outcome::Outcome,
    rejection::Rejection,
    undecodable::Undecodable,
};
pub(crate) use self::{line::Line, malformed::Misfit, outcome::MAX_RETRY_AFTER};

/// Any error, as in tower's middleware.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Any error, shared, since the extensions of a response are cloned.
pub type SharedError = Arc<dyn Error + Send + Sync>;

/// What became of one request, for a log or a counter.
///
/// [`Display`](fmt::Display) is one line without a line break, and shows no secret, no signature
/// and no body.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Report<'a> {
    /// A challenge was answered.
    Challenged,
    /// The request was refused before it was verified.
    Rejected(&'a Rejection),
    /// A verified notification was answered.
    Acknowledged(&'a Outcome),
}

impl Report<'_> {
    /// The report of a response that was made without reading the request's body.
    pub(crate) fn of_unread<B>(response: &Response<B>) -> Report<'_> {
        let rejection = response.extensions().get();
        rejection.map_or(Report::Challenged, Report::Rejected)
    }

    /// The report of a response that was made after reading the request's body.
    pub(crate) fn of<B>(response: &Response<B>) -> Report<'_> {
        let extensions = response.extensions();
        match extensions.get() {
            Some(rejection) => Report::Rejected(rejection),
            None => Report::Acknowledged(extensions.get().unwrap_or(&Outcome::Done)),
        }
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = Line::whole(f);
        match self {
            Self::Challenged => line.write_str("challenge answered"),
            Self::Rejected(why) => write!(line, "request rejected with {}: {why}", why.status()),
            Self::Acknowledged(how) => write!(line, "notification {how}"),
        }
    }
}
