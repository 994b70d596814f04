//! The answer of a handler.

use std::{borrow::Cow, time::Duration};

use super::BoxError;

/// The answer of a handler: whether Nylas is to repeat the notification.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Ack {
    /// `200`: the notification was handled.
    #[default]
    Done,
    /// `200`: the notification is of no interest. The same on the wire as [`Done`](Self::Done),
    /// but distinguished in reports.
    Discard,
    /// `200`: the notification should have been handled and never can be, for this reason, so that
    /// sending it again is useless. Reported as a warning. See [`give_up`](Self::give_up).
    GiveUp(Cow<'static, str>),
    /// `503`: Nylas is to send it again, up to three times in all within about 20 minutes
    /// ([source](https://developer.nylas.com/docs/v3/notifications/)).
    Retry,
    /// `429` with `Retry-After`: as [`Retry`](Self::Retry), but not before this time has passed.
    /// The header has whole seconds, so a fraction is rounded up, and 68 years at most.
    RetryAfter(Duration),
}

impl Ack {
    /// [`GiveUp`](Self::GiveUp) for this reason, which is shown to the operator and never to the
    /// client. It should not contain content of the notification.
    ///
    /// ```
    /// use tower_nylas::{Ack, Notification};
    ///
    /// async fn on_expired(grant: Notification) -> Ack {
    ///     match grant.grant_id() {
    ///         Some(_) => Ack::Done,
    ///         None => Ack::give_up("a grant without an id"),
    ///     }
    /// }
    /// ```
    pub fn give_up(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::GiveUp(reason.into())
    }
}

/// What a handler may return: nothing, an [`Ack`], or a `Result` of either.
///
/// An error becomes a `503`, so that Nylas sends the notification again. The error itself is
/// reported to the operator, in [`Outcome::Failed`](super::Outcome::Failed), and never sent to the
/// client.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no output of a handler",
    label = "this handler's output",
    note = "a handler returns nothing, an `Ack`, or a `Result` of either, and not a response or a \
            status: `Ack` decides the status",
    note = "the error of a `Result` is `Into<BoxError>`: a text, or an error that is \
            `Send + Sync + 'static`, which `Box<dyn Error>` is not (take `BoxError`)"
)]
pub trait IntoAck {
    /// Converts the output of a handler.
    ///
    /// # Errors
    ///
    /// The handler's own; the client sees `503`.
    fn into_ack(self) -> Result<Ack, BoxError>;
}

impl IntoAck for () {
    fn into_ack(self) -> Result<Ack, BoxError> {
        Ok(Ack::Done)
    }
}

impl IntoAck for Ack {
    fn into_ack(self) -> Result<Ack, BoxError> {
        Ok(self)
    }
}

// So that the note of `IntoAck` is shown, and not which conversions into a `BoxError` there are.
#[diagnostic::do_not_recommend]
impl<T, E> IntoAck for Result<T, E>
where
    T: IntoAck,
    E: Into<BoxError>,
{
    fn into_ack(self) -> Result<Ack, BoxError> {
        self.map_err(Into::into)?.into_ack()
    }
}
