//! Inflates compressed deliveries, after their signature was verified.
//!
//! A destination with `compressed_delivery` gets `Content-Encoding: gzip`, and Nylas signs the
//! compressed bytes
//! ([source](https://developer.nylas.com/docs/dev-guide/best-practices/compression/)). So a layer
//! that inflates belongs inside the verification, and this one requires its proof: it takes a
//! `Request<`[`VerifiedBody`]`>` and passes on another. `Content-Encoding` is removed and
//! `Content-Length`, if there is one, corrected. `identity` and requests without the header pass
//! unchanged.
//!
//! The bytes decide, and not the label, since a proxy that drops, adds or repeats the header leaves
//! the bytes: a body that begins with `1f 8b` is inflated, and one that begins, after white space
//! or a byte order mark, with `{` or `[` is plain, and loses the header. What follows the last gzip
//! member and is no member is ignored. Both are a [`CodingFault`], which is in the extensions of
//! the request that the inner service gets. Only where the first bytes do not decide, the header
//! does.
//!
//! What cannot be decoded gets a `503` and an [`Outcome::Undecodable`]: an unknown coding, a member
//! of gzip that is cut or corrupt, members that together inflate beyond the
//! [limit](DecompressionLayer::max_size), and gzip when the crate is built without the feature
//! `gzip`.

mod content;
mod future;
#[cfg(feature = "gzip")]
mod gzip;
mod layer;
mod service;

use http::Request;

pub use self::{future::ResponseFuture, layer::DecompressionLayer, service::Decompression};
pub use crate::report::{CodingFault, Undecodable};
use crate::{middleware::Answer, report::Outcome, verify::VerifiedBody};

/// Decodes the content in place, or returns the response for content that cannot be decoded. What
/// was wrong with content that could is returned as well.
pub(crate) fn decode(
    request: &mut Request<VerifiedBody>,
    max_size: usize,
) -> Result<Option<CodingFault>, Box<Answer>> {
    content::decode(request, max_size)
        .map_err(|reason| Box::new(Outcome::Undecodable(reason).into_response()))
}
