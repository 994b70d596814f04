//! Inflates compressed deliveries, after their signature was verified.
//!
//! A destination with `compressed_delivery` gets `Content-Encoding: gzip`, and Nylas signs the
//! compressed bytes ([source](https://developer.nylas.com/docs/dev-guide/best-practices/compression/)).
//! So a layer that inflates belongs behind the verification, and this one demands its proof: it
//! takes `Request<`[`VerifiedBody`](crate::VerifiedBody)`>` and hands on another. `Content-Encoding`
//! is removed and `Content-Length`, if there is one, corrected. `identity` and requests without the
//! header pass unchanged.
//!
//! What cannot be decoded gets a `503` and an
//! [`Outcome::Undecodable`](crate::Outcome::Undecodable): an unknown coding, a stream that is cut or
//! corrupt, one that inflates beyond the [limit](DecompressionLayer::max_size), and gzip when the
//! crate is built without the feature `gzip`.

mod content;
mod future;
#[cfg(feature = "gzip")]
mod gzip;
mod layer;
mod service;

pub use self::{
    content::Undecodable, future::ResponseFuture, layer::DecompressionLayer, service::Decompression,
};
