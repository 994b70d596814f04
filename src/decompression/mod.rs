//! Inflates compressed deliveries, after their signature was verified.
//!
//! A destination with `compressed_delivery` gets `Content-Encoding: gzip`, and Nylas signs the
//! compressed bytes
//! ([source](https://developer.nylas.com/docs/dev-guide/best-practices/compression/)). So a layer
//! that inflates belongs behind the verification, and this one demands its proof: it takes
//! `Request<`[`VerifiedBody`]`>` and hands on another. `Content-Encoding` is removed and
//! `Content-Length`, if there is one, corrected. `identity` and requests without the header pass
//! unchanged, unless the body begins as gzip does: then the header was lost on the way, and since
//! no notification begins like that, the body is inflated all the same.
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

/// Decodes the content in place; or gives the answer that says why it cannot be decoded.
pub(crate) fn decode(
    request: &mut Request<VerifiedBody>,
    max_size: usize,
) -> Result<(), Box<Answer>> {
    content::decode(request, max_size)
        .map_err(|reason| Box::new(Outcome::Undecodable(reason).into_response()))
}
