//! The proof, for frameworks that erase the type of the body.

use axum_core::extract::DefaultBodyLimit;
use http::{Extensions, Request};

use super::VerifiedBody;

/// axum's `Router` turns every request into a `Request<axum::body::Body>`. This type is private, so
/// nothing but verification can put it into the extensions.
#[derive(Clone)]
struct Proof(VerifiedBody);

/// Attaches the proof, and switches axum's default limit of 2 MB off: the body was bounded when it
/// was read, and a `413` of an extractor would lose it. A limit that is set inside still holds.
pub(super) fn attach(request: &mut Request<VerifiedBody>) {
    let proof = Proof(request.body().clone());
    request.extensions_mut().insert(proof);
    DefaultBodyLimit::disable().apply(request);
}

impl VerifiedBody {
    /// The body that was verified for the request with these extensions.
    pub(crate) fn proven_in(extensions: &Extensions) -> Option<&Self> {
        extensions.get::<Proof>().map(|Proof(body)| body)
    }
}
