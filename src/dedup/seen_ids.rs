//! What a store of ids is.

use std::sync::Arc;

use super::NotificationKey;
use crate::report::BoxError;

/// Remembers which notifications were handled, and which ones are being handled.
///
/// [`MemorySeenIds`](super::MemorySeenIds) is one for a single process. Replicas need one that they
/// share, in a database that they have anyway; the example `dedup` has one over Redis, of three
/// commands.
///
/// What a store has to do:
///
/// - [`begin`](Self::begin) is atomic: of several calls for one key, one gets [`Begun::New`].
/// - A claim ends by itself, 10 seconds after it was given: Nylas waits no longer for an answer,
///   and a process that dies, or whose store is not reached, releases nothing.
/// - A claim that has ended harms none that was given since: [`release`](Self::release) removes its
///   own claim only.
/// - What was finished is remembered for 72 hours. Nylas makes its three attempts within about 20
///   minutes ([source](https://developer.nylas.com/docs/v3/notifications/)); the rest is against
///   the replay of a captured request.
///
/// # Errors and time
///
/// If a call fails, or panics, the notification is handled all the same: handled twice is what
/// Nylas' "at least once" allows, and refused until the last attempt is lost. It is reported as
/// [`Outcome::Unremembered`](crate::Outcome::Unremembered), unless its handler has a failure or
/// another [`Outcome`](crate::Outcome) than success to report. A store for which handling twice is
/// worse returns [`Begun::InProgress`] in place of an error, and the answer is `503`.
///
/// All calls together with the handler are under the
/// [handler deadline](crate::WebhookLayer::handler_timeout), after which the answer is `503`. So a
/// store that may hang gives its calls a time-out of its own, of one second, say, and returns an
/// error then.
///
/// # Dropped requests
///
/// When a client disconnects or the handler deadline passes, nothing waits any more: then the
/// future of [`release`](Self::release) is polled once and dropped. A store that releases by a
/// message spawns a task for it, or leaves it to the end of the claim. A future of
/// [`begin`](Self::begin) or [`finish`](Self::finish) that is dropped may have reached the store or
/// not; nothing is released in its place.
pub trait SeenIds: Send + Sync + 'static {
    /// What [`finish`](Self::finish) and [`release`](Self::release) need to know of a claim: its
    /// key, and something that tells it from a later claim of the same key.
    type Claim: Send + 'static;

    /// Claims a notification that is about to be handled, if nothing else has.
    ///
    /// # Errors
    ///
    /// Those of the store: the notification is handled, and not remembered.
    fn begin(
        &self,
        key: NotificationKey,
    ) -> impl Future<Output = Result<Begun<Self::Claim>, BoxError>> + Send;

    /// Remembers a notification that was handled, also if its claim has ended meanwhile.
    ///
    /// # Errors
    ///
    /// Those of the store: the answer is `200` nevertheless, since it was handled.
    fn finish(&self, claim: Self::Claim) -> impl Future<Output = Result<(), BoxError>> + Send;

    /// Ends the claim of a notification whose handler failed, so that its next attempt is handled.
    ///
    /// # Errors
    ///
    /// Those of the store, which change nothing: the answer is that of the handler, and the claim
    /// ends by itself.
    fn release(&self, claim: Self::Claim) -> impl Future<Output = Result<(), BoxError>> + Send;
}

/// What a store knows of a notification that has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Begun<C> {
    /// It is new, and claimed for the caller, who is to handle it.
    New(C),
    /// Another delivery of it is being handled: the answer is `503`.
    InProgress,
    /// It was handled: the answer is `200`, and no handler is called.
    Done,
}

impl<I: SeenIds> SeenIds for Arc<I> {
    type Claim = I::Claim;

    fn begin(
        &self,
        key: NotificationKey,
    ) -> impl Future<Output = Result<Begun<Self::Claim>, BoxError>> + Send {
        I::begin(self, key)
    }

    fn finish(&self, claim: Self::Claim) -> impl Future<Output = Result<(), BoxError>> + Send {
        I::finish(self, claim)
    }

    fn release(&self, claim: Self::Claim) -> impl Future<Output = Result<(), BoxError>> + Send {
        I::release(self, claim)
    }
}
