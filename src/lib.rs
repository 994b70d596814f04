//! Receive [Nylas](https://www.nylas.com) webhooks with tower, under axum, hyper, tonic and others.
//!
//! ```
//! use tower_nylas::{Ack, Notification, Secrets, State, TriggerRouter, WebhookLayer};
//! use tower_nylas::notification::object::Message;
//!
//! #[derive(Clone)]
//! struct App { /* a pool of connections, … */ }
//!
//! async fn on_message(State(app): State<App>, mail: Notification<Message>) {
//!     println!("{:?}", mail.object.subject);
//! }
//!
//! # fn app() -> Result<axum::Router, tower_nylas::InvalidSecret> {
//! # let app = App {};
//! let secrets = Secrets::from_env("NYLAS_WEBHOOK_SECRET")?;
//! let triggers = TriggerRouter::with_state(app)
//!     .on("message.created", on_message)
//!     .on("event.*", async || Ack::Discard);
//! let app = axum::Router::new()
//!     .route_service("/webhooks/nylas", WebhookLayer::new(secrets).layer(triggers));
//! # Ok(app)
//! # }
//! ```
//!
//! `cargo run --features testing --example quickstart` runs all of it over real connections.
//!
//! # How a request is processed
//!
//! ```text
//! GET ?challenge=…  ->  challenge      answered with exactly that value
//! POST              ->  verify         bounded read and HMAC: Request<VerifiedBody> or Rejection
//!                   ->  decompression  gzip is inflated, after verification
//!                   ->  acknowledge    200, 429 or 503, whatever the inner service does
//!                  (->  dedup          200 without a call, if it was handled before)
//!                  (->  inbox          200 once it is stored; a worker goes on from here)
//!                  (->  refetch        the whole object, if it was truncated)
//!                   ->  router         by the trigger's name, to the most specific route
//!                   ->  a handler
//! ```
//!
//! [`WebhookLayer`] combines all of this but the modules `dedup` and `refetch` and the router,
//! which stand inside it. Each part is also a layer of its own:
//! [`ChallengeLayer`], [`VerifySignatureLayer`], [`DecompressionLayer`], [`AcknowledgeLayer`]. The
//! service inside the verification takes a `Request<`[`VerifiedBody`]`>`, which only verification
//! can create, so a route without it does not compile.
//!
//! # Mounting
//!
//! - **axum**: `Router::route_service(path, layer.layer(triggers))`. With `Router::layer` the layer
//!   wraps every path, also those that do not exist. The module `extract` has extractors for
//!   handlers inside it.
//! - **hyper**: `hyper_util::service::TowerToHyperService::new(service)`.
//! - **tonic**: `Routes::into_axum_router().route_service(…)`, or `transport::Server` with
//!   `accept_http1(true)`.
//! - **others**: the service implements `tower_service::Service<Request<B>>` for every `B:
//!   http_body::Body`, never fails, and is `Clone + Send + Sync` if the inner service is.
//!
//! Layers that observe belong outside, layers that limit belong inside, and no layer outside may
//! change the body of a request, since Nylas signs the exact bytes on the wire. One
//! [guide](_guide::layers) lists tower's and tower-http's layers, and [another](_guide::proxies)
//! the proxies in front of a server.
//!
//! # Guides
//!
//! [Recipes](_guide::recipes), [statuses](_guide::statuses), [secrets](_guide::secrets),
//! [management](_guide::management), [truncated notifications](_guide::refetch),
//! [tenants](_guide::tenants), [layers](_guide::layers), [proxies](_guide::proxies),
//! [memory](_guide::memory), [handlers](_guide::handlers), [inbox](_guide::inbox),
//! [shutdown](_guide::shutdown), [testing](_guide::testing).
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `router` | yes | [`TriggerRouter`], [`Notification`] and its typed objects; without it the crate parses no JSON |
//! | `tokio` | yes | tokio's timer; without it, constructors take a [`Timer`](time::Timer) |
//! | `gzip` | yes | inflates compressed deliveries, after verification |
//! | `tracing` | yes | spans and events, see [`observe`] |
//! | `metrics` | | counters and histograms, see [`observe`] |
//! | `api` | | Nylas' management API, see the module `api`, and `RefetchLayer` |
//! | `axum` | | extractors for axum handlers inside the layer |
//! | `dedup` | | `DeduplicateLayer`: each notification is handled once |
//! | `health` | | `Health`: what Nylas will think of a destination, told before Nylas does; see the module `health` |
//! | `inbox` | | `Enqueue` and `Worker`: accepted means stored, see the [guide](_guide::inbox) |
//! | `testing` | | tools for tests of one's own handlers, see the [guide](_guide::testing) |
//! | `full` | | all but `testing` |

#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(doc, all(doctest, feature = "router", feature = "tokio")))]
pub mod _guide;
pub mod acknowledge;
#[cfg(feature = "api")]
pub mod api;
pub mod challenge;
pub mod decompression;
#[cfg(feature = "dedup")]
pub mod dedup;
#[cfg(feature = "axum")]
pub mod extract;
#[cfg(feature = "health")]
pub mod health;
#[cfg(feature = "inbox")]
pub mod inbox;
mod middleware;
#[cfg(feature = "router")]
pub mod notification;
pub mod observe;
#[cfg(feature = "api")]
pub mod refetch;
pub mod report;
#[cfg(feature = "router")]
pub mod router;
pub mod signature;
#[cfg(feature = "testing")]
pub mod testing;
pub mod time;
pub mod trigger;
pub mod verify;
pub mod webhook;

#[doc(inline)]
pub use self::{
    acknowledge::AcknowledgeLayer,
    challenge::ChallengeLayer,
    decompression::DecompressionLayer,
    middleware::ResponseBody,
    report::{
        Ack, BoxError, CodingFault, IntoAck, MalformedReason, MismatchHint, Outcome, Rejection,
        Report, Resolution, SharedError, Undecodable,
    },
    signature::{
        InvalidSecret, InvalidSignature, Secrets, Signature, Verifier, VerifyError, WebhookSecret,
    },
    trigger::Trigger,
    verify::{MemoryBudget, Mismatch, SecretSource, VerifiedBody, VerifySignatureLayer},
    webhook::WebhookLayer,
};

#[cfg(feature = "dedup")]
#[doc(inline)]
pub use self::dedup::DeduplicateLayer;
#[cfg(feature = "api")]
#[doc(inline)]
pub use self::refetch::RefetchLayer;
#[cfg(feature = "router")]
#[doc(inline)]
pub use self::{
    notification::Notification,
    router::{Attempt, FromRef, State, TriggerRouter},
};

/// The examples in README.md compile.
#[cfg(all(doctest, feature = "router", feature = "tokio"))]
#[doc = include_str!("../README.md")]
struct Readme;
