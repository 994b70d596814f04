//! Which attempt to deliver a notification this is.

use http::Request;

use super::argument::{FromVerified, sealed::Sealed};
use crate::{
    notification::{Head, Malformed},
    report::ATTEMPTS,
    verify::VerifiedBody,
};

/// An argument of a [handler](super::Handler): which attempt of Nylas to deliver the notification
/// this is, its `webhook_delivery_attempt`.
///
/// Nylas makes up to three
/// ([source](https://developer.nylas.com/docs/v3/notifications/)). So a handler that would fail for
/// a while can put the notification aside when it is not sent again:
///
/// ```
/// use tower_nylas::{Ack, Attempt, VerifiedBody};
///
/// async fn on_message(attempt: Attempt, body: VerifiedBody) -> Ack {
///     if attempt.is_last() {
///         println!("put aside: {} bytes", body.bytes().len());
///         return Ack::Done;
///     }
///     Ack::Retry
/// }
/// # let _ = tower_nylas::TriggerRouter::new().on("message.created", on_message);
/// ```
///
/// It is read from the members in front of `data`, where Nylas writes it, without parsing the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Attempt(Option<u32>);

impl Attempt {
    /// The number, from 1. `None` where Nylas sends none, as in test events and in API v2, or where
    /// it is no whole number of 32 bits.
    pub fn number(self) -> Option<u32> {
        self.0
    }

    /// Whether it is the third attempt, after which Nylas does not send the notification again.
    /// `false` where there is no [number](Self::number).
    pub fn is_last(self) -> bool {
        self.0.is_some_and(|number| number >= ATTEMPTS)
    }
}

impl<S> FromVerified<S> for Attempt {
    type Share = ();
    type Borrowed = Self;

    fn borrow(request: &Request<VerifiedBody>, _state: &S) -> Self {
        Self(Head::of(request.body().bytes()).attempt())
    }

    fn take(borrowed: Self, (): ()) -> Result<Self, Malformed> {
        Ok(borrowed)
    }
}

impl Sealed for Attempt {}
