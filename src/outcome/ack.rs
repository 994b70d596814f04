//! What a handler has to say about a notification.

use std::time::Duration;

use crate::BoxError;

/// What Nylas is to do after a handler has run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ack {
    /// `200`: the notification was taken over.
    #[default]
    Done,
    /// `200`: the notification is of no interest. The same on the wire, but told apart in reports.
    Discard,
    /// `503`: Nylas is to send it again, up to three times in all within about 20 minutes
    /// ([source](https://developer.nylas.com/docs/v3/notifications/)).
    Retry,
    /// `429` with `Retry-After`: as [`Retry`](Self::Retry), but not before this time has passed.
    /// The header has whole seconds, so a fraction is rounded up.
    RetryAfter(Duration),
}

/// What a handler may return: nothing, an [`Ack`], or a `Result` of either.
///
/// An error becomes a `503`, so that Nylas sends the notification again. The error itself goes to
/// the operator, in [`Outcome::Failed`](crate::Outcome::Failed), and never to the client.
pub trait IntoAck {
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

impl<T, E> IntoAck for Result<T, E>
where
    T: IntoAck,
    E: Into<BoxError>,
{
    fn into_ack(self) -> Result<Ack, BoxError> {
        self.map_err(Into::into)?.into_ack()
    }
}
