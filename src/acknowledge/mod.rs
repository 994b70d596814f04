//! Gives every outcome of the inner service the status that keeps the notification.
//!
//! Nylas sends a notification again after `408`, `429`, `502`, `503`, `504`, `507` and time-outs.
//! After any other status that is not `200` the notification is lost, and each such answer counts
//! towards switching the whole destination off
//! ([source](https://developer.nylas.com/docs/v3/notifications/)). So behind this layer the wire
//! shows three statuses:
//!
//! | the inner service | the answer |
//! |---|---|
//! | any `2xx` | `200` |
//! | `429` or `408` | `429`, with its `Retry-After` |
//! | any other status | `503`, with its `Retry-After` if it has one |
//! | an error, or a panic | `503` |
//! | not ready and done [in time](AcknowledgeLayer::timeout) | `503` |
//!
//! The body is empty and the inner headers go; the extensions stay, with an
//! [`Outcome`](crate::Outcome) that says what happened. At the deadline, and when the client
//! disconnects, the inner future is dropped wherever it is, so a handler that must not be
//! interrupted hands its work to a task or a queue.
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
mod service;
mod settings;
mod settle;

pub(crate) use self::{acknowledging::Acknowledging, settings::Settings};
pub use self::{future::ResponseFuture, layer::AcknowledgeLayer, service::Acknowledge};
