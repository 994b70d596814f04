//! What became of a request: a [`Rejection`] before verification, an [`Outcome`] after it, and the
//! [`Report`] of either.

mod ack;
mod causes;
mod coding_fault;
#[cfg(any(feature = "health", feature = "metrics"))]
mod destinations;
#[cfg(feature = "tracing")]
mod event;
mod fate;
mod hint;
mod line;
mod malformed;
mod of_request;
mod outcome;
mod rejection;
mod undecodable;

use std::{error::Error, sync::Arc};

#[cfg(any(feature = "health", feature = "metrics"))]
pub(crate) use self::destinations::{Destination, Destinations};
#[cfg(feature = "tracing")]
pub(crate) use self::event::{TARGET, event_at};
#[cfg(feature = "router")]
pub(crate) use self::fate::ATTEMPTS;
#[cfg(any(feature = "inbox", feature = "tracing"))]
pub(crate) use self::line::one_line;
pub use self::{
    ack::{Ack, IntoAck},
    coding_fault::CodingFault,
    hint::MismatchHint,
    malformed::MalformedReason,
    of_request::{Report, Resolution},
    outcome::Outcome,
    rejection::Rejection,
    undecodable::Undecodable,
};
pub(crate) use self::{
    causes::Causes,
    line::{Line, UpTo},
    malformed::Misfit,
    outcome::MAX_RETRY_AFTER,
};

/// Any error, as in tower's middleware.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Any error, shared, since the extensions of a response are cloned.
pub type SharedError = Arc<dyn Error + Send + Sync>;
