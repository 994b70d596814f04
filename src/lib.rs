//! Receive [Nylas](https://www.nylas.com) webhooks in any tower server.
//!
//! ```
//! use tower_nylas::{Ack, Notification, Secrets, TriggerRouter, WebhookLayer};
//! use tower_nylas::notification::object::Message;
//!
//! async fn on_message(mail: Notification<Message>) {
//!     println!("{:?}", mail.object.subject);
//! }
//!
//! # fn main() -> Result<(), tower_nylas::InvalidSecret> {
//! let secrets = Secrets::from_env_or_pending("NYLAS_WEBHOOK_SECRET")?;
//! let triggers = TriggerRouter::new()
//!     .on("message.created", on_message)
//!     .on("event.*", async || Ack::Discard);
//! let app: axum::Router = axum::Router::new()
//!     .route_service("/webhooks/nylas", WebhookLayer::new(secrets).layer(triggers));
//! # Ok(())
//! # }
//! ```
//!
//! `cargo run --example quickstart` shows it at work, over real connections.
//!
//! # The way of a request
//!
//! ```text
//! GET ?challenge=…  ->  challenge      answered with exactly that value
//! POST              ->  verify         bounded read and HMAC: a Request<VerifiedBody>, or a Rejection
//!                   ->  decompression  gzip -> plain, after verification
//!                   ->  acknowledge    whatever happens inside -> 200, 429 or 503
//!                   ->  router         by the trigger's name, to the most specific route
//!                   ->  a handler
//! ```
//!
//! [`WebhookLayer`] is all of this but the router. Each part is a layer of its own as well:
//! [`ChallengeLayer`], [`VerifySignatureLayer`], [`DecompressionLayer`], [`AcknowledgeLayer`]. What
//! stands behind the verification takes a `Request<`[`VerifiedBody`]`>`, which only verification
//! can make, so a route that forgets it does not compile.
//!
//! # The statuses, and why
//!
//! Nylas repeats a notification after `408`, `429`, `502`, `503`, `504`, `507` and after 10 seconds
//! without an answer, three attempts in all. After anything else but `200` the notification is
//! lost, and when 95 % of the answers are not `200`, first for 15 minutes and then for 72 hours,
//! Nylas switches the destination off
//! ([source](https://developer.nylas.com/docs/v3/notifications/)). So:
//!
//! - A request that is not from Nylas gets a `4xx` that costs nobody anything: [`Rejection`] lists
//!   the causes and their statuses.
//! - A genuine one that cannot be taken *now* gets `503`: no secret known yet, a lookup that
//!   failed, unverified bodies that fill the [memory budget](verify#memory-before-verification), a
//!   rotation under way, a handler that failed, panicked or took too long.
//! - A genuine one that will never be wanted gets `200`: no route, a body that does not fit.
//!   Sending it again would bring the same bytes.
//!
//! After verification, therefore, the wire shows only `200`, `429` or `503`; [`Outcome`] says why.
//! Both types stand in the extensions of the response, and [`WebhookLayer::observe`] hands them to
//! a function.
//!
//! # Before and after the handshake
//!
//! Nylas creates the `webhook_secret` after the endpoint has answered its challenge, so a server
//! must run before it has a secret. [`Secrets::pending`] answers challenges and turns notifications
//! away with `503`; [`Secrets::set`] ends that. For a rotation, call [`Secrets::expect_rotation`]
//! on every replica, then Nylas' rotate-secret, then [`Secrets::rotate`] on every replica: in
//! between, a signature that does not match is answered `503` instead of the `401` that would lose
//! the notification. Tenants each have their own [`Secrets`], found by a
//! [lookup](SecretSource::lookup).
//!
//! # Mounting
//!
//! - **axum**: `Router::route_service(path, layer.layer(triggers))`. With `Router::layer` the layer
//!   stands in front of every path, also of those that do not exist.
//!   There are [extractors](crate::extract) for handlers behind it.
//! - **hyper**: `hyper_util::service::TowerToHyperService::new(service)`.
//! - **tonic**: `Routes::into_axum_router().route_service(…)`, or `transport::Server` with
//!   `accept_http1(true)`.
//! - **anything else**: the service implements `tower_service::Service<Request<B>>` for every `B:
//!   http_body::Body`, never fails, and is `Clone + Send + Sync` if the inner service is.
//!
//! # Order of layers
//!
//! What observes belongs outside, what limits belongs inside, and nothing outside may change the
//! body of a request, since Nylas signs the very bytes on the wire. [A table](crate::layers) says
//! it of tower-http's and tower's layers one by one.
//!
//! # Back-pressure
//!
//! Every layer here is always ready, and waits for the inner service inside its future, after
//! verification and under the handler deadline. So a busy handler does not hold up a challenge,
//! which Nylas never repeats, and a forged request never holds a permit that a genuine one needs.
//! It also means that there is no back-pressure to outer layers: bound the work by a
//! `tower::limit::ConcurrencyLimitLayer` *inside*, around the router.
//!
//! # Idempotence
//!
//! Nylas delivers at least once, in any order. [`Notification::id`] is the same in every attempt;
//! remember it for 72 hours. It is also the only protection against somebody who captured a request
//! and sends it again, since no time is signed. At the handler deadline and when the client
//! disconnects, a handler's future is dropped wherever it stands: hand work that must not stop
//! there to a task or a queue.
//!
//! # Shutdown
//!
//! Nothing here needs to be told of a shutdown: a `200` goes out only after its handler has run to
//! the end, so stopping at any moment loses nothing. What was not answered, was refused, or got a
//! `503` comes again from Nylas, up to three attempts in all. A drain only saves repetitions. With
//! axum that is `axum::serve(…).with_graceful_shutdown(signal)`, with hyper
//! `hyper_util::server::graceful::GracefulShutdown`: both stop listening, finish the requests that
//! were accepted, and close idle connections.
//!
//! Let the drain last as long as the read timeout and the handler timeout together, 9 seconds by
//! default; [`WebhookLayer::NYLAS_TIMEOUT`] always is enough. And give it an end: the layer bounds
//! the body and the handler, but a peer that never finishes the head of a request, or never reads
//! its answer, holds axum's drain for ever. When the runtime ends, the futures of handlers that
//! still run are dropped wherever they stand, and nobody reads a `200` for them. The examples
//! `axum` and `hyper` drain like this.
//!
//! Behind a load balancer, first take the server out of rotation, wait until that has taken effect,
//! and then signal it: a connection refused by a server is repeated by many balancers, but a `502`
//! of theirs counts as one of Nylas' three attempts. The grace period of the platform must be
//! longer than both waits together.
//!
//! # Testing one's own handlers
//!
//! The module `testing` (feature `testing`) has sample notifications of every type, makes verified
//! bodies, signs deliveries, plays Nylas against a service or a URL, repetitions included, and has
//! a clock whose time passes only when a test says so.
//!
//! # Features
//!
//! `router` and `tokio` are on by default. Without `tokio`, constructors take a
//! [`Timer`](time::Timer); without `router`, the crate knows no JSON. `axum`, `gzip` and `testing`
//! add what their names say; `metrics` and `tracing` tell operators what happens (see the module
//! `observe`); `full` is all of them.

#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod acknowledge;
pub mod challenge;
pub mod decompression;
#[cfg(feature = "axum")]
pub mod extract;
mod middleware;
#[cfg(feature = "router")]
pub mod notification;
pub mod observe;
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

#[cfg(any(doc, all(doctest, feature = "router", feature = "tokio")))]
#[doc = include_str!("docs/layers.md")]
pub mod layers {}

#[doc(inline)]
pub use self::{
    acknowledge::AcknowledgeLayer,
    challenge::ChallengeLayer,
    decompression::DecompressionLayer,
    middleware::ResponseBody,
    report::{
        Ack, BoxError, IntoAck, MalformedReason, MismatchHint, Outcome, Rejection, Report,
        SharedError, Undecodable,
    },
    signature::{
        InvalidSecret, InvalidSignature, Secrets, Signature, Verifier, VerifyError, WebhookSecret,
    },
    trigger::Trigger,
    verify::{MemoryBudget, SecretSource, VerifiedBody, VerifySignatureLayer},
    webhook::WebhookLayer,
};

#[cfg(feature = "router")]
#[doc(inline)]
pub use self::{notification::Notification, router::TriggerRouter};

/// The examples in README.md compile.
#[cfg(all(doctest, feature = "router", feature = "tokio"))]
#[doc = include_str!("../README.md")]
struct Readme;
