//! Maps every outcome of the inner service to a status that does not lose the notification.
//!
//! Nylas sends a notification again after `408`, `429`, `502`, `503`, `504`, `507` and time-outs.
//! After any other status that is not `200` the notification is lost, and each such answer counts
//! towards disabling the whole destination
//! ([source](https://developer.nylas.com/docs/v3/notifications/)). So this layer answers with three
//! statuses:
//!
//! | the inner service | the answer |
//! |---|---|
//! | any `2xx` | `200` |
//! | `429` or `408` | `429`, with its `Retry-After` |
//! | any other status | `503`, with its `Retry-After` if it has one |
//! | an error, or a panic | `503` |
//! | not ready and answered [in time](AcknowledgeLayer::timeout) | `503` |
//! | not called, since the timer [cannot sleep](crate::time::Timer::can_sleep) | `503` |
//!
//! The body and the other headers of the inner response are dropped, and so is a `Retry-After` that
//! is neither seconds up to 2,147,483,647 nor a date, or is there twice. Of its extensions only the
//! [`Outcome`](crate::Outcome) is kept, which every answer but that of a success has: a server
//! writes some of the others on the wire, as hyper does with a `ReasonPhrase`. Its version is
//! ignored.
//!
//! At the deadline, and when the client disconnects, the inner future is dropped at its current
//! await point, so work that must not be interrupted belongs in a task or a queue.
//!
//! ```
//! use std::convert::Infallible;
//!
//! use http::{Request, Response, StatusCode};
//! use tower::{ServiceExt, service_fn};
//! use tower_nylas::AcknowledgeLayer;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let broken = service_fn(async |_: Request<()>| {
//!     Response::builder().status(StatusCode::INTERNAL_SERVER_ERROR).body(())
//! });
//! let endpoint = AcknowledgeLayer::new().layer(broken);
//!
//! let response = endpoint.oneshot(Request::new(())).await?;
//! assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
//! # Ok(())
//! # }
//! ```

mod acknowledging;
mod future;
mod layer;
mod retry_after;
mod service;
mod settings;
mod settle;

pub(crate) use self::{acknowledging::Acknowledging, settings::Settings};
pub use self::{future::ResponseFuture, layer::AcknowledgeLayer, service::Acknowledge};
