//! Verifies the signature of a request before anything else sees it.
//!
//! [`VerifySignatureLayer`] reads the body within bounds, hashes exactly the bytes that were on the
//! wire, compares in constant time, and hands the inner service a `Request<`[`VerifiedBody`]`>`,
//! which cannot be made in any other way. The causes of a refusal are examined in the order of
//! [`Rejection`](crate::Rejection): header, secrets, announced size, read, match. Whatever can be
//! decided from the head is decided without touching the body.
//!
//! A service under this layer is always ready. The inner service is asked whether it is ready
//! only after verification, so there is no back-pressure to outer layers: a forger must not be able
//! to hold a permit that a genuine request needs.
//!
//! # Memory before verification
//!
//! A body that arrives whole is verified at once and never waits. One that has to wait for more
//! holds what it has received, and all such bodies of a layer together hold at most the [memory
//! budget](VerifySignatureLayer::memory_budget). When there is no room for more, the answer is
//! `503`, which Nylas repeats. So that nobody can fill the budget and keep it, every waiting body
//! looks at it again each 250 ms, and goes with `503` once it has waited longer than it may: the
//! read timeout while the budget is at most half full, then less in proportion, down to 250 ms when
//! it is full. A genuine body of a megabyte is usually there within that time, so it gets through
//! as long as
//!
//! > what attackers send in 250 ms < memory budget,
//!
//! that is 268 MB a second for the default of 64 MiB. The closer they come to it, the less is left
//! for a genuine body that is slow. In the example `siege`, at a quarter of the bound, all of them
//! got through as long as the attackers yielded the cores to the server; without that, on a busy
//! machine, 2 of 542 did not, and at a half of the bound up to 3 in a hundred did not.
//!
//! What is counted are the bytes received, never a length that was announced. The buffers behind
//! them may be larger (eightfold where a length was announced and the budget is not yet half full,
//! else twofold). What was not received was never written to, so the system need not back it, but
//! an allocator that uses memory again and again may: with glibc's defaults a server that held 58
//! MiB took 154 MiB, and with `MALLOC_MMAP_THRESHOLD_=131072` in its environment 83 MiB.
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
//! let endpoint = VerifySignatureLayer::new(Secrets::new("an invented secret")?).layer(inner);
//!
//! let signature = WebhookSecret::new("an invented secret")?.sign(b"{}");
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
    service::VerifySignature,
    source::{SecretSource, UnknownTenant},
};
pub(crate) use self::{
    settings::Settings,
    verification::{Verification, begin},
};
