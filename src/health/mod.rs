//! What Nylas will think of a destination, told before Nylas does (feature `health`).
//!
//! Nylas calls a destination failing after 15 minutes in which 95 % of its requests were not
//! answered `200`, and sends a mail. After 72 hours of that it calls it failed: nothing is sent any
//! more, and what happens meanwhile never comes
//! ([source](https://developer.nylas.com/docs/v3/notifications/)). A [`Health`] observes the same
//! share, and what else announces a loss.
//!
//! ```
//! use http::{Request, StatusCode};
//! use tower::ServiceExt;
//! use tower_nylas::{Secrets, TriggerRouter, WebhookLayer, health::{Health, Level}};
//!
//! # #[cfg(not(feature = "tokio"))]
//! # fn main() {}
//! # #[cfg(feature = "tokio")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), tower_nylas::BoxError> {
//! let health = Health::new();
//! tokio::spawn(health.clone().run());
//!
//! let secrets = Secrets::new("an-invented-secret")?;
//! let layer = WebhookLayer::new(secrets).health(&health);
//! # type Router = axum::Router;
//! let app = Router::new().route_service("/webhooks/nylas", layer.layer(TriggerRouter::new()));
//! // On a port that only operators reach: it names tenants.
//! let operators = Router::new()
//!     .route_service("/live", health.live())
//!     .route_service("/ready", health.ready())
//!     .route_service("/health", health.report());
//! # let _ = app;
//!
//! let request = Request::get("/ready").body(String::new())?;
//! assert_eq!(operators.oneshot(request).await?.status(), StatusCode::OK);
//! assert_eq!(health.status().level, Level::Ok);
//! # Ok(())
//! # }
//! ```
//!
//! # Levels
//!
//! Each destination has findings, each with a [`Cause`] and a [`Level`]; the worst one counts.
//!
//! | cause | level | when |
//! |---|---|---|
//! | `failures` | `notice`, `warning`, `error`, `critical` | the share of failures reaches 47.5, 66.5, 85.5, 95 %: 50, 70, 90 and 100 % of Nylas' limit; in the first five minutes of a destination, at most `warning` |
//! | `lost` | `warning` | for an hour after a third attempt that has failed, or was read by nothing |
//! | `mismatches` | `warning`, from three on `critical` | signatures do not match, none has since the start or a new secret, and the first one is a minute old |
//! | `secret_pending` | `warning`, from three on `critical` | signed requests find no secret, and the first one is five minutes old |
//! | `quiet` | `warning` | nothing was verified for twice the longest gap of the last 72 hours, which had ten notifications, and for 15 minutes |
//! | `status` | `warning` (paused), `error` (failing), `critical` (failed) | Nylas says so: `Health::watch_status`, feature `api`; also `error` where it knows no such destination, and `warning` where that is not known for an hour |
//! | `challenge` | `notice` | for an hour after a challenge that nobody has [asked for](Health::expect_challenge); it belongs to no destination |
//!
//! [`docs/operating.md`] says what to do about each of them.
//!
//! [`docs/operating.md`]: https://docs.rs/crate/tower-nylas/latest/source/docs/operating.md
//!
//! - *Failures* are verified notifications that were not answered with exactly `200`, as Nylas sees
//!   it; each attempt counts by itself. The level rises if the shares of the last 5 minutes and of
//!   the last 15 minutes both reach it, and falls once both are below four fifths of it. What has
//!   failed when a destination is observed for the first time may be all that was seen, so for five
//!   minutes that is no error. Where 15 minutes have fewer than 10 requests, the window is widened
//!   by quarters of an hour until it has 10, and where 5 minutes have fewer than 5, that window
//!   counts for both. With fewer than 10 requests in 72 hours there is no level.
//! - *A wrong secret* after a restart verifies nothing, so it has no failures. Signatures that do
//!   not match are therefore counted while nothing was verified since the start, or by the secret
//!   that was set or rotated last, where a layer answers `503` for that
//!   ([`Mismatch`](crate::Mismatch)); otherwise never, at whatever rate forgeries arrive. On a server
//!   that nothing genuine has reached yet, a stranger can raise this finding, and that of a missing
//!   secret. It is over with the first notification that is verified, a missing secret also when it
//!   is set, and forgotten 24 hours after the last mismatch (an hour, where there was no secret).
//!   Test events do not count as far as the layer tells them apart: with a lookup it looks for them
//!   once a second.
//! - *Silence* is judged after 24 hours of traffic. What is normal is learned: after a weekend
//!   without traffic the next one is normal only while the first is not 72 hours old. Of a tenant
//!   who leaves it goes on until [`Health::forget`].
//! - *A challenge* is expected while the secrets of the layer are pending, and for the time given
//!   to [`Health::expect_challenge`]. Another one means that somebody has registered the URL again,
//!   or reactivated its destination; anybody can send one.
//!
//! Nylas names no least number of requests. Where 15 minutes have only a few, all of them may fail
//! by chance alone, and then no warning comes long before the destination is called failing.
//!
//! What was observed is kept in memory only, so each process begins anew and judges what it gets
//! itself. Failures that no replica sees, such as those of a proxy, are not counted.
//!
//! # Cost
//!
//! The first 100 labels of secrets are told apart, further ones are `other`; in the metrics also
//! those that are looked up and of which nothing was ever verified, since a stranger may have
//! chosen them. Each takes 6 kB from its first request on, so all together at most 0.6 MB; up to
//! 100 destinations of which nothing was verified take 100 bytes and their label each. A request
//! takes one short lock, some 80 ns in all where nothing else observes, and no memory; its body is
//! kept until it is answered. What was recorded is evaluated at most once in 10 seconds by
//! requests, which takes some 1.5 µs for each destination.
//!
//! # Output
//!
//! [`Health::status`] and [`Health::watch`] for programs, [`Health::report`] for people, and, as
//! [`observe`](crate::observe) describes,
//!
//! | name | kind | labels | what |
//! |---|---|---|---|
//! | `nylas_webhook_health_level` | gauge | `destination`, `cause` | 0 (`ok`) to 4 (`critical`) |
//! | `nylas_webhook_health_failure_ratio` | gauge | `destination`, `window`: `5m`, `15m`, `72h` | share of failures, from 0 to 1 |
//! | `nylas_webhook_health_unexpected_challenges_total` | counter | | challenges that nobody has asked for |
//!
//! with the feature `metrics`, and with the feature `tracing` an event for each finding that comes,
//! changes its level or goes: `WARN` up to `warning`, `ERROR` above, `INFO` where it falls, with
//! the fields `destination`, `cause`, `health` (the level) and `before`.

mod challenges;
mod changes;
mod doubt;
mod doubts;
mod finding;
mod handle;
mod level;
#[cfg(feature = "tracing")]
mod log;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "api")]
mod polled;
mod record;
mod reported;
mod ring;
mod service;
mod share;
mod status;

pub(crate) use self::handle::Attached;
#[cfg(feature = "metrics")]
pub use self::metrics::describe_metrics;
pub use self::{
    finding::{Cause, Finding},
    handle::Health,
    level::Level,
    service::HealthService,
    share::Share,
    status::{DestinationHealth, Status},
};
