//! Metrics, spans and events of a [`WebhookLayer`](crate::WebhookLayer).
//!
//! The features `metrics` and `tracing` need no configuration. Nothing that they emit contains a
//! secret, a signature or a body; of a body, only the name of its trigger, its id and its attempt
//! are shown, and only after it was verified. Without the features, none of this is compiled.
//!
//! ```
//! # #[cfg(not(all(feature = "metrics", feature = "tokio")))]
//! # fn main() {}
//! # #[cfg(all(feature = "metrics", feature = "tokio"))]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), tower_nylas::BoxError> {
//! use metrics_exporter_prometheus::PrometheusBuilder;
//! use tower::ServiceExt;
//! use tower_nylas::{Secrets, TriggerRouter, WebhookLayer, observe};
//!
//! let recorder = PrometheusBuilder::new().build_recorder();
//! let numbers = recorder.handle();
//! metrics::set_global_recorder(recorder)?;
//! observe::describe_metrics();
//! tracing_subscriber::fmt().json().init();
//!
//! let endpoint = WebhookLayer::new(Secrets::new("an-invented-secret")?).layer(TriggerRouter::new());
//! let unsigned = http::Request::post("/").body(String::new())?;
//! endpoint.oneshot(unsigned).await?;
//!
//! let text = numbers.render();
//! assert!(text.contains(r#"nylas_webhook_rejected_total{reason="signature_missing"} 1"#));
//! # Ok(())
//! # }
//! ```
//!
//! `cargo run --all-features --example observe` is a whole server with both.
//!
//! # Metrics
//!
//! Feature `metrics`: through the facade [`metrics`](https://docs.rs/metrics), to the recorder that
//! the application has installed. A recorder whose type has no size is treated as absent, as the
//! facade's own stand-in is. The global recorder's handles are kept for 10 seconds, so one that
//! drops idle series must keep them for at least that long.
//!
//! | name | kind | labels | what |
//! |---|---|---|---|
//! | `nylas_webhook_received_total` | counter | | requests that arrived, of any kind |
//! | `nylas_webhook_challenges_total` | counter | | challenges that were answered |
//! | `nylas_webhook_rejected_total` | counter | `reason` | requests that were refused before verification |
//! | `nylas_webhook_mismatches_total` | counter | `hint` | those of them whose signature did not match the body |
//! | `nylas_webhook_verified_total` | counter | `destination`, `trigger`, `attempt` | notifications that were verified |
//! | `nylas_webhook_outcomes_total` | counter | `destination`, `trigger`, `outcome` | what became of them, and of test events |
//! | `nylas_webhook_answers_total` | counter | `destination`, `status` | how they were answered: what Nylas sees of them |
//! | `nylas_webhook_lost_total` | counter | `destination`, `trigger` | those whose third attempt has failed, or was read by nothing; 0 from the first notification on |
//! | `nylas_webhook_last_verified_timestamp_seconds` | gauge | | when a notification was last verified, since the Unix epoch |
//! | `nylas_webhook_coding_faults_total` | counter | `fault` | verified bodies that were not as they were labelled, and were read all the same |
//! | `nylas_webhook_body_bytes` | histogram | | size of a verified body on the wire, compressed or not |
//! | `nylas_webhook_read_seconds` | histogram | | from arrival until verified and inflated |
//! | `nylas_webhook_handle_seconds` | histogram | `trigger` | from verified and inflated until answered |
//! | `nylas_webhook_duration_seconds` | histogram | | from arrival until answered; Nylas waits for 10 seconds |
//! | `nylas_webhook_age_seconds` | histogram | | from the `time` in the notification until verified; 0 if the clocks differ |
//! | `nylas_webhook_buffered_bytes` | gauge | | what unverified bodies hold while they wait for more, of all layers together |
//!
//! [`BUCKETS`] has boundaries for the histograms.
//!
//! `received` is the sum of `challenges`, `rejected`, `outcomes` and the requests in progress. A
//! request whose client disconnects is counted as well: with the reason `aborted` before
//! verification, with the outcome `dropped` and the status `none` after it.
//!
//! Requests cannot create series: labels have these values only.
//!
//! - `reason`: `method`, `challenge_too_long`, `timer_missing`, `signature_missing`,
//!   `signature_repeated`, `signature_malformed`, `tenant_unknown`, `lookup_failed`,
//!   `secret_pending`, `budget_exhausted`, `body_too_large`, `read_timeout`, `transport`,
//!   `signature_mismatch` (also with [`Mismatch::Retry`](crate::Mismatch::Retry)),
//!   `secret_unproven`, `rotation_expected` (see [`Rejection`](crate::Rejection)), `aborted`;
//! - `outcome`: `done`, `discarded`, `given_up`, `unrouted`, `unread`, `malformed`, `test_event`,
//!   `stored`, `duplicate`, `unremembered`, `in_progress`, `unlabelled`, `unfetched`,
//!   `unfetchable`, `retry`, `retry_after`, `failed`, `panicked`, `timed_out`, `status`,
//!   `undecodable` (see [`Outcome`](crate::Outcome)), `dropped`;
//! - `hint`: `length_changed`, `empty`, `read_as_text`, `base64`, `inflated`, `encoding_lost`,
//!   `framing_lost`, `test_event` (see [`MismatchHint`](crate::MismatchHint)), `none`;
//! - `destination`: the label of the secrets, by default `default`, for the first 100 labels whose
//!   secrets verify a notification; `other` for more; `none` for test events;
//! - `status`: `200`, `429`, `503`, the application's own `4xx` if they are
//!   [passed on](crate::WebhookLayer::pass_client_errors), and `none`;
//! - `trigger`: the documented names, also with `.transformed` and `.truncated`; `unknown` for all
//!   other names; `deltas` for those of API v2; `malformed` without a name; `none` for test events
//!   and what could not be decoded;
//! - `attempt`: `1`, `2`, `3`, `other`, `none`;
//! - `fault`: `mislabelled`, if `Content-Encoding` contradicts the bytes; `trailing_bytes`, if
//!   bytes behind the last gzip member were ignored. One body can be both (see
//!   [`CodingFault`](crate::CodingFault)).
//!
//! # Alerts
//!
//! [`docs/alerts.yml`] has rules for Prometheus, and [`docs/dashboard.json`] a dashboard for
//! Grafana. [`docs/operating.md`] says of each metric what to do. The module `health` (feature
//! `health`) judges most of this by itself, with levels. What matters most:
//!
//! - *Nylas is about to give the destination up.* It does so if 95 % of its requests fail for 72
//!   hours, and warns after 15 minutes
//!   ([source](https://developer.nylas.com/docs/v3/notifications/)). The share of failures:
//!   `sum by (destination) (rate(nylas_webhook_answers_total{status!="200"}[15m])) / sum by
//!   (destination) (rate(nylas_webhook_answers_total[15m]))`.
//! - *The secret is wrong.* Signatures do not match, and nothing was verified since the start. Such
//!   requests are no answers to genuine notifications as far as the layer can tell, so the share
//!   above does not show them: `sum by (instance)
//!   (rate(nylas_webhook_mismatches_total{hint!="test_event"}[5m])) > 0 unless on (instance)
//!   nylas_webhook_last_verified_timestamp_seconds`. The wrong secret of one tenant among several
//!   shows in [its `verified`](crate::_guide::tenants#a-wrong-secret).
//! - *A notification is lost*: `increase(nylas_webhook_lost_total[10m]) > 0`. Before that, at
//!   attempt 3, `verified` counts what has failed twice. What is refused before verification
//!   never counts as lost, since its attempt is not known. A series that begins with its first
//!   event has no increase by it, which the rules in the file allow for.
//! - *Nothing arrives*: `time() -
//!   max(max_over_time(nylas_webhook_last_verified_timestamp_seconds[7d]))`, compared with the
//!   longest pause of your traffic. A process that was started meanwhile has no such series yet.
//! - `rejected` with `timer_missing`, `lookup_failed`, `secret_pending`, `budget_exhausted` or
//!   `body_too_large`; `outcomes` with `unrouted`, `unread`, `malformed`, `undecodable` (whose
//!   attempt cannot be read, so that none counts as lost), `unremembered`, `unlabelled` or
//!   `unfetchable`; and `coding_faults`, which means a proxy that changes heads, or a sender that
//!   changed.
//!
//! [`docs/alerts.yml`]: https://docs.rs/crate/tower-nylas/latest/source/docs/alerts.yml
//! [`docs/dashboard.json`]: https://docs.rs/crate/tower-nylas/latest/source/docs/dashboard.json
//! [`docs/operating.md`]: https://docs.rs/crate/tower-nylas/latest/source/docs/operating.md
//!
//! # Spans and events
//!
//! Feature `tracing`, all with the target `tower_nylas`. Each verified notification has a span
//! `delivery` of the level `INFO`, in which its handler runs and is dropped, so what the handler
//! logs is inside:
//!
//! | field | what |
//! |---|---|
//! | `destination` | the label of the secrets that have verified it |
//! | `trigger` | the whole name; absent if there is none |
//! | `notification_id` | its id, the same in every attempt |
//! | `attempt` | from 1 |
//! | `bytes` | size on the wire |
//! | `age_ms` | milliseconds from its `time`, which has whole seconds, until verified; 0 if the clocks differ |
//! | `read_ms` | milliseconds from arrival until verified and inflated |
//! | `handle_ms` | milliseconds from verified and inflated until answered |
//! | `outcome`, `status` | as the label above, and the HTTP status of the answer |
//! | `lost` | `true` if its third attempt has failed, or was read by nothing |
//! | `otel.status_code` | `ERROR` if it failed |
//!
//! A name or an id is shown up to 128 characters, and characters that would break a line are
//! escaped.
//!
//! Each span ends with an event that describes what happened, errors with their causes. Where a
//! filter has disabled the span, the event itself has the fields that say which notification it is
//! about and how it ended. Its level is that of the outcome, and `ERROR` for whatever is lost:
//!
//! | outcome | level |
//! |---|---|
//! | `done`, `discarded`, `stored`, `duplicate` | `DEBUG` |
//! | `retry`, `retry_after`, `in_progress`, `test_event` | `INFO` |
//! | `unlabelled`, `unfetchable`, and every outcome that is not `200` at the third attempt, or `unread` there | `ERROR` |
//! | all others | `WARN` |
//!
//! A body that was not as it was labelled has another event, at its beginning: of the level `WARN`,
//! with the label `fault` (`mislabelled`, if it is both).
//!
//! A refused request has no span, since anybody can send one. It has an event with the fields
//! `reason` and `status`, `destination` where the secrets are known, and `hint` for a signature
//! that does not match. The level is `INFO` for what scanners of the internet cause (`method`,
//! `challenge_too_long`, `signature_missing`) and for a test event that is not acknowledged, and
//! `WARN` otherwise. Answered challenges and aborted requests are events of the level `DEBUG`.
//!
//! The number of events is bounded. In each 10 seconds a layer emits at most 10 events of each
//! reason, of each fault and of each of the outcomes `unrouted`, `unread`, `malformed`,
//! `unlabelled`, `unfetchable` and `test_event`, and 100 of what is lost and of every
//! other outcome that is not `DEBUG`. The rest is suppressed, and a summary for each reason, fault
//! or outcome has its number in the field `suppressed`. It is emitted with the next request after
//! those 10 seconds, or when the layer and its services are dropped. Spans are not limited, since
//! only signed requests have one.

// Each member reads a part of the facts only.
#![cfg_attr(not(all(feature = "metrics", feature = "tracing")), allow(dead_code))]

mod closure;
mod facts;
#[cfg(feature = "tracing")]
mod flood;
#[cfg(feature = "metrics")]
mod handles;
#[cfg(feature = "health")]
mod health;
#[cfg(any(feature = "metrics", feature = "tracing"))]
mod labels;
#[cfg(feature = "tracing")]
mod log;
#[cfg(feature = "metrics")]
mod metrics;
mod observation;
#[cfg(feature = "metrics")]
mod series;
mod witness;

use self::closure::Closure;
#[cfg(all(feature = "inbox", feature = "tracing"))]
pub(crate) use self::flood::{Flood, Suppressed, WINDOW};
#[cfg(feature = "health")]
use self::health::Health;
#[cfg(feature = "tracing")]
use self::log::Log;
#[cfg(feature = "metrics")]
use self::metrics::Metrics;
#[cfg(feature = "metrics")]
pub use self::metrics::{BUCKETS, describe_metrics};
pub(crate) use self::observation::{Observation, Observers};

#[cfg(not(feature = "metrics"))]
type Metrics = ();
#[cfg(not(feature = "tracing"))]
type Log = ();
#[cfg(not(feature = "health"))]
type Health = ();

/// Everything that observes requests: chosen by features, or by the application at run time.
type Members = (Metrics, (Log, (Health, Option<Closure>)));
