//! Answers the `GET ?challenge=…` by which Nylas verifies that an endpoint accepts its webhooks.
//!
//! Nylas sends it when a destination is created and whenever one is activated again, and expects
//! within 10 seconds a `200` whose body is exactly the value: no quotes, no line break, not
//! chunked. It is sent only once
//! ([source](https://developer.nylas.com/docs/v3/notifications/)). On creation the
//! `webhook_secret` does not exist yet, so this layer needs none.
//!
//! The value is decoded as a form field, and the first parameter `challenge`, in any case, counts.
//! `HEAD` gets the same head without a body. A value longer than the
//! [limit](ChallengeLayer::max_length) of 4 KiB gets a `400`. Every other request reaches the inner
//! service unchanged.
//!
//! Compression would replace the value. The answer says `Content-Encoding: identity` and
//! `no-transform`, with which tower-http and nginx leave it alone. Apache's
//! `SetOutputFilter DEFLATE` heeds neither: exempt the path there, with `SetEnvIf` and `no-gzip`.
//!
//! ```
//! use std::convert::Infallible;
//!
//! use http::{Request, Response};
//! use http_body_util::{BodyExt, Empty};
//! use tower::{ServiceExt, service_fn};
//! use tower_nylas::ChallengeLayer;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let inner = service_fn(async |_| Ok::<_, Infallible>(Response::new(Empty::<bytes::Bytes>::new())));
//! let endpoint = ChallengeLayer::new().layer(inner);
//!
//! let request = Request::get("/webhooks/nylas?challenge=bc609b38-c81f").body(String::new())?;
//! let response = endpoint.oneshot(request).await?;
//!
//! assert_eq!(response.headers()["content-length"], "13");
//! assert_eq!(response.into_body().collect().await?.to_bytes(), "bc609b38-c81f");
//! # Ok(())
//! # }
//! ```

mod future;
mod layer;
mod respond;
mod service;

pub(crate) use self::respond::respond;
pub use self::{future::ResponseFuture, layer::ChallengeLayer, service::Challenge};
