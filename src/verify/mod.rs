//! Verifies the signature of a request before anything else sees it.
//!
//! [`VerifySignatureLayer`] reads the body within bounds, hashes exactly the bytes that were on the
//! wire, compares in constant time, and passes a `Request<`[`VerifiedBody`]`>` to the inner
//! service, which only verification can create. The causes of a refusal are checked in the order of
//! [`Rejection`](crate::Rejection): timer, header, secrets, announced size, read, match. What can be
//! decided by the head is decided before the body is polled.
//!
//! The service is always ready. The inner service is driven ready only after verification, so there
//! is no back-pressure to outer layers: a forged request must not be able to hold a permit that a
//! genuine request needs.
//!
//! The memory that unverified bodies hold together is bounded by a [`MemoryBudget`]; the
//! [guide](crate::_guide::memory) explains it.
//!
//! ```
//! use std::convert::Infallible;
//!
//! use http::{Request, Response, StatusCode};
//! use http_body_util::Full;
//! use tower::{ServiceExt, service_fn};
//! use tower_nylas::{Secrets, VerifiedBody, VerifySignatureLayer, WebhookSecret};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let inner = service_fn(async |request: Request<VerifiedBody>| {
//!     assert_eq!(request.body().bytes(), "{}");
//!     Ok::<_, Infallible>(Response::new(String::new()))
//! });
//! let endpoint = VerifySignatureLayer::new(Secrets::new("an-invented-secret")?).layer(inner);
//!
//! let signature = WebhookSecret::new("an-invented-secret")?.sign(b"{}");
//! let genuine = Request::post("/")
//!     .header("x-nylas-signature", signature.to_hex())
//!     .body(Full::new(bytes::Bytes::from("{}")))?;
//! assert_eq!(endpoint.clone().oneshot(genuine).await?.status(), StatusCode::OK);
//!
//! let unsigned = Request::post("/").body(Full::new(bytes::Bytes::from("{}")))?;
//! assert_eq!(endpoint.oneshot(unsigned).await?.status(), StatusCode::UNAUTHORIZED);
//! # Ok(())
//! # }
//! ```

mod body;
mod budget;
mod claim;
mod future;
mod layer;
mod mismatch;
mod policy;
#[cfg(feature = "axum")]
mod proof;
mod read;
mod service;
mod settings;
mod source;
mod verification;
mod waiting;

pub use self::{
    body::VerifiedBody,
    budget::MemoryBudget,
    future::ResponseFuture,
    layer::VerifySignatureLayer,
    policy::Mismatch,
    service::VerifySignature,
    source::{SecretSource, UnknownTenant},
};
pub(crate) use self::{
    settings::Settings,
    verification::{Verification, begin},
};
