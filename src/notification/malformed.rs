//! A verified body that is not what it should be.

use std::{error::Error, fmt};

use http::{Extensions, Request};

use super::head::Head;
use crate::{
    report::{ATTEMPTS, MalformedReason, Misfit, Outcome},
    trigger::Trigger,
    verify::VerifiedBody,
};

/// A verified body that is no notification, or whose content does not fit the handler's type.
///
/// The bytes are [at hand](Self::body); neither `Debug` nor [`Display`](fmt::Display) shows them.
#[derive(Clone)]
pub struct Malformed(Box<Details>);

#[derive(Clone)]
struct Details {
    cause: Cause,
    request: Request<VerifiedBody>,
}

#[derive(Debug, Clone)]
struct Cause {
    reason: MalformedReason,
    trigger: Option<Trigger>,
}

impl Malformed {
    pub(crate) fn new(
        reason: MalformedReason,
        trigger: Option<Trigger>,
        request: Request<VerifiedBody>,
    ) -> Self {
        let cause = Cause { reason, trigger };
        Self(Box::new(Details { cause, request }))
    }

    /// What is wrong with it.
    pub fn reason(&self) -> &MalformedReason {
        &self.0.cause.reason
    }

    /// The trigger, as far as it could be read.
    pub fn trigger(&self) -> Option<&Trigger> {
        self.0.cause.trigger.as_ref()
    }

    /// The verified bytes.
    pub fn body(&self) -> &VerifiedBody {
        self.0.request.body()
    }

    /// The extensions of the request: see
    /// [`Notification::extensions`](super::Notification::extensions).
    pub fn extensions(&self) -> &Extensions {
        self.0.request.extensions()
    }

    /// The request, for another reader.
    pub(crate) fn into_request(self) -> Request<VerifiedBody> {
        self.0.request
    }

    /// The request with what is wrong with it, as the argument of a handler.
    pub(crate) fn into_argument(self) -> Request<VerifiedBody> {
        let Details { cause, mut request } = *self.0;
        request.extensions_mut().insert(cause);
        request
    }

    /// From [`into_argument`](Self::into_argument).
    pub(crate) fn from_argument(mut request: Request<VerifiedBody>) -> Self {
        let cause = request.extensions_mut().remove().unwrap_or(Cause {
            reason: MalformedReason::NoType,
            trigger: None,
        });
        Self(Box::new(Details { cause, request }))
    }

    /// What becomes of it if the application does not decide.
    ///
    /// `503`, so that the application can be mended before the last attempt. That one is
    /// acknowledged: nothing is repeated after it, and a kind of body that nobody reads would
    /// otherwise end the whole destination.
    pub(crate) fn into_unread(self) -> Outcome {
        let attempt = Head::of(self.body().bytes()).attempt();
        let Cause { reason, trigger } = self.0.cause;
        Outcome::Unread {
            trigger,
            reason,
            is_lost: attempt.is_some_and(|attempt| attempt >= ATTEMPTS),
        }
    }

    /// What became of it if the application has decided.
    pub(crate) fn outcome(&self) -> Outcome {
        let Cause { reason, trigger } = self.0.cause.clone();
        Outcome::Malformed { trigger, reason }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Misfit(self.trigger(), self.reason()).fmt(f)
    }
}

impl fmt::Debug for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Malformed")
            .field("reason", self.reason())
            .field("trigger", &self.trigger())
            .field("body", self.body())
            .finish_non_exhaustive()
    }
}

impl Error for Malformed {}
