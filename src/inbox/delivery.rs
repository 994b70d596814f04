//! What a handler behind a worker can know of its entry.

use std::{fmt, time::Duration};

use http::Request;

use super::{Claimed, Entry, EntryKey};
use crate::{
    notification::Malformed,
    router::{FromVerified, Sealed},
    verify::VerifiedBody,
};

/// What a [`Worker`](super::Worker) tells its service: of which entry the notification is, and how
/// earlier tries to handle it have ended.
///
/// It is in the [extensions](http::Extensions) of the request, and `Option<Delivery>` is an
/// argument of [handlers](crate::router::Handler); it is `None` where the notification comes from
/// Nylas without an inbox.
///
/// ```
/// use tower_nylas::{Notification, TriggerRouter, inbox::Delivery};
///
/// async fn on_message(delivery: Option<Delivery>, mail: Notification) {
///     if let Some(delivery) = delivery {
///         println!("{}: {} failures before", delivery.key(), delivery.failures());
///     }
/// #   let _ = mail;
/// }
/// # let _ = TriggerRouter::new().on("message.created", on_message);
/// ```
#[derive(Clone)]
pub struct Delivery {
    entry: Entry,
    crashes: u32,
    failures: u32,
}

impl Delivery {
    pub(super) fn of<R>(claimed: &Claimed<R>) -> Self {
        Self {
            entry: claimed.entry.clone(),
            crashes: claimed.crashes,
            failures: claimed.failures,
        }
    }

    /// The key of the entry, the same each time. A handler that writes it in the transaction of its
    /// effects has them exactly once.
    pub fn key(&self) -> EntryKey {
        self.entry.key()
    }

    /// When the notification was received, since the Unix epoch.
    pub fn received_at(&self) -> Duration {
        self.entry.received_at()
    }

    /// As [`Claimed::crashes`](super::Claimed::crashes).
    pub fn crashes(&self) -> u32 {
        self.crashes
    }

    /// As [`Claimed::failures`](super::Claimed::failures).
    pub fn failures(&self) -> u32 {
        self.failures
    }

    pub(super) fn entry(&self) -> &Entry {
        &self.entry
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("key", &self.key())
            .field("received_at", &self.received_at())
            .field("crashes", &self.crashes)
            .field("failures", &self.failures)
            .finish_non_exhaustive()
    }
}

impl<S> FromVerified<S> for Option<Delivery> {
    type Share = ();
    type Borrowed = Self;

    fn borrow(request: &Request<VerifiedBody>, _state: &S) -> Self {
        request.extensions().get().cloned()
    }

    fn take(borrowed: Self, (): ()) -> Result<Self, Malformed> {
        Ok(borrowed)
    }
}

impl Sealed for Option<Delivery> {}
