//! The span of one try to handle an entry.

use std::fmt::Display;

use http::Response;

use crate::inbox::{Delivery, EntryKey};
#[cfg(feature = "tracing")]
use crate::{
    notification::Head,
    report::{Outcome, TARGET, UpTo, one_line},
};

/// In which a handler runs and is dropped. Empty without the feature `tracing`.
#[derive(Clone)]
pub(in crate::inbox) struct Span {
    #[cfg(feature = "tracing")]
    span: tracing::Span,
}

#[cfg(feature = "tracing")]
impl Span {
    /// It has the id of the notification in common with the span of its delivery, and its own
    /// parent is none: the delivery has ended long ago, perhaps in another process.
    pub(in crate::inbox) fn of(delivery: &Delivery) -> Self {
        let entry = delivery.entry();
        let id = Head::of(entry.content()).id();
        let name = |name: &str| UpTo::name(name).to_string();
        let span = tracing::info_span!(
            target: TARGET,
            parent: None,
            "handle",
            trigger = entry.trigger().map(|trigger| name(&trigger.to_string())),
            notification_id = id.map(|id| name(&id)),
            entry = %entry.key(),
            traceparent = entry.traceparent(),
            crashes = delivery.crashes(),
            failures = delivery.failures(),
            status = tracing::field::Empty,
            outcome = tracing::field::Empty,
        );
        Self { span }
    }

    pub(in crate::inbox) async fn around<F: Future>(&self, future: F) -> F::Output {
        use tracing::Instrument;
        future.instrument(self.span.clone()).await
    }

    pub(in crate::inbox) fn ended<B>(&self, response: &Response<B>) {
        self.span.record("status", response.status().as_u16());
        if let Some(outcome) = response.extensions().get::<Outcome>() {
            self.span.record("outcome", one_line(outcome));
        }
    }
}

#[cfg(not(feature = "tracing"))]
impl Span {
    pub(in crate::inbox) fn of(_: &Delivery) -> Self {
        Self {}
    }

    pub(in crate::inbox) async fn around<F: Future>(&self, future: F) -> F::Output {
        future.await
    }

    #[allow(clippy::unused_self)]
    pub(in crate::inbox) fn ended<B>(&self, _: &Response<B>) {}
}

/// A notification that the inbox never stores, so that it is lost after Nylas' last attempt.
#[cfg_attr(not(feature = "tracing"), allow(unused_variables))]
pub(in crate::inbox) fn too_large(key: EntryKey, why: &dyn Display) {
    #[cfg(feature = "tracing")]
    tracing::error!(target: TARGET, entry = %key, "{why}: it will be lost");
}
