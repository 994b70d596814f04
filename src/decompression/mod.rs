//! Inflates compressed deliveries, after their signature was verified.
//!
//! A destination with `compressed_delivery` gets `Content-Encoding: gzip`, and Nylas signs the
//! compressed bytes
//! ([source](https://developer.nylas.com/docs/dev-guide/best-practices/compression/)). So a layer
//! that inflates belongs inside the verification, and this one requires its proof: it takes a
//! `Request<`[`VerifiedBody`]`>` and passes on another. `Content-Encoding` is removed and
//! `Content-Length`, if there is one, corrected. `identity` and requests without the header pass
//! unchanged, unless the body begins as gzip does: no notification begins like that, so the header
//! was lost, and the body is inflated as well.
//!
//! What cannot be decoded gets a `503` and an [`Outcome::Undecodable`]: an unknown coding, a stream
//! that is cut or corrupt, one that inflates beyond the [limit](DecompressionLayer::max_size), and
//! gzip when the crate is built without the feature `gzip`.

mod content;
mod future;
#[cfg(feature = "gzip")]
mod gzip;
mod layer;
mod service;

use http::Request;

pub use self::{future::ResponseFuture, layer::DecompressionLayer, service::Decompression};
pub use crate::report::Undecodable;
use crate::{middleware::Answer, report::Outcome, verify::VerifiedBody};

/// Decodes the content in place, or returns the response for content that cannot be decoded.
pub(crate) fn decode(
    request: &mut Request<VerifiedBody>,
    max_size: usize,
) -> Result<(), Box<Answer>> {
    content::decode(request, max_size)
        .map_err(|reason| Box::new(Outcome::Undecodable(reason).into_response()))
}
