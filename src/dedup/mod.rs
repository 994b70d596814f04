//! Handles each notification once (feature `dedup`).
//!
//! Nylas delivers at least once: a notification whose answer was lost or late comes again, with the
//! same id ([source](https://developer.nylas.com/docs/cookbook/use-cases/build/handle-duplicate-webhooks/)).
//! [`DeduplicateLayer`] stands inside the whole layer, in front of the handlers:
//!
//! ```
//! # #[cfg(not(all(feature = "testing", feature = "tokio")))]
//! # fn main() {}
//! # #[cfg(all(feature = "testing", feature = "tokio"))]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), tower_nylas::BoxError> {
//! use std::sync::atomic::{AtomicU32, Ordering};
//!
//! # use tower_nylas::{Secrets, TriggerRouter, WebhookLayer, WebhookSecret, testing};
//! use tower_nylas::DeduplicateLayer;
//!
//! static CALLS: AtomicU32 = AtomicU32::new(0);
//!
//! # let secrets = Secrets::new("an-invented-secret")?;
//! let triggers = TriggerRouter::new().on("grant.*", async || {
//!     CALLS.fetch_add(1, Ordering::Relaxed);
//! });
//! let endpoint = WebhookLayer::new(secrets).layer(DeduplicateLayer::new().layer(triggers));
//!
//! # let mut nylas = testing::Nylas::new(endpoint, WebhookSecret::new("an-invented-secret")?);
//! # let body = testing::sample("grant.expired").ok_or("no such sample")?;
//! for _ in 0..2 {
//!     assert!(nylas.deliver(body).await.is_accepted());
//! }
//! assert_eq!(CALLS.load(Ordering::Relaxed), 1);
//! # Ok(())
//! # }
//! ```
//!
//! | the notification | the answer |
//! |---|---|
//! | is new | that of the inner service; an id is remembered after any `2xx`, and only then |
//! | was handled | `200`, and [`Outcome::Duplicate`](crate::Outcome::Duplicate); the inner service is not called |
//! | is being handled by another request | `503`, and [`Outcome::InProgress`](crate::Outcome::InProgress): that one may still fail |
//! | has no id, or an empty one | that of the inner service, each time: nothing tells whether it is new |
//! | is a tenant's, by secrets without a label | `503`, and [`Outcome::Unlabelled`](crate::Outcome::Unlabelled) |
//!
//! Whatever ends a request without a `2xx` releases its id, so that the next attempt is handled:
//! another status, an error, a panic, the handler deadline, a client that disconnects. The `503`
//! has no `Retry-After`: Nylas' next attempt comes minutes later, and a claim ends after 10
//! seconds.
//!
//! A handler that was dropped, or whose process died after its work and before its answer, runs
//! again. What must happen exactly once belongs into one transaction with the
//! [`NotificationKey`].
//!
//! # Tenants
//!
//! Ids are remembered for each destination: with the [label](crate::Secrets::label) of the secrets
//! that have verified the notification. Tenants whose secrets are looked up need a label each, or
//! one could make another's notification a duplicate, by its id; without one, that of the default,
//! their notifications are refused.
//!
//! # Stores
//!
//! [`MemorySeenIds`] is for one process. Replicas, and processes that restart in the midst of
//! deliveries, share a store of their own: [`SeenIds`]. Both keep a hash of 16 bytes, the
//! [`NotificationKey`].
//!
//! The layer takes two allocations for each notification that is new, and none for one without an
//! id. With ids in memory it takes 8,600 instructions, by callgrind, where the hash is computed
//! without SHA extensions, and without the layer a notification takes 4,600 beside its HMAC.

mod future;
mod held;
mod layer;
mod memory;
mod seen_ids;
mod service;

pub use self::{
    future::ResponseFuture,
    layer::DeduplicateLayer,
    memory::{MemoryClaim, MemorySeenIds},
    seen_ids::{Begun, SeenIds},
    service::Deduplicate,
};
pub use crate::notification::NotificationKey;
