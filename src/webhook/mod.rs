//! Receives webhooks with one layer.
//!
//! [`WebhookLayer`] combines the other layers of this crate in the right order:
//!
//! ```text
//! GET ?challenge=…  ->  challenge/      answered with exactly that value
//! POST              ->  verify/         a proof, or a rejection
//!                   ->  decompression/  inflated, after verification
//!                   ->  acknowledge/    a status that does not lose the notification
//!                   ->  the inner service, with a `Request<VerifiedBody>`
//! anything else     ->  405
//! ```
//!
//! The inner service is a [`TriggerRouter`](crate::TriggerRouter) or any other tower service:
//!
//! ```
//! use std::convert::Infallible;
//!
//! use http::{Request, Response};
//! use tower::{ServiceExt, service_fn};
//! use tower_nylas::{Secrets, VerifiedBody, WebhookLayer, WebhookSecret};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let inner = service_fn(async |request: Request<VerifiedBody>| {
//!     assert_eq!(request.body().bytes(), "{}");
//!     Ok::<_, Infallible>(Response::new(String::new()))
//! });
//! let endpoint = WebhookLayer::new(Secrets::new("an-invented-secret")?).layer(inner);
//!
//! let signature = WebhookSecret::new("an-invented-secret")?.sign(b"{}");
//! let genuine = Request::post("/webhooks/nylas")
//!     .header("x-nylas-signature", signature.to_hex())
//!     .body(String::from("{}"))?;
//! assert_eq!(endpoint.clone().oneshot(genuine).await?.status(), 200);
//!
//! let unsigned = Request::post("/webhooks/nylas").body(String::from("{}"))?;
//! assert_eq!(endpoint.clone().oneshot(unsigned).await?.status(), 401);
//!
//! let challenge = Request::get("/webhooks/nylas?challenge=bc609b38").body(String::new())?;
//! assert_eq!(endpoint.oneshot(challenge).await?.status(), 200);
//! # Ok(())
//! # }
//! ```

mod future;
mod layer;
mod service;
mod settings;

pub use self::{future::ResponseFuture, layer::WebhookLayer, service::Webhook};
