//! The proof, for frameworks that erase the type of the body.

use http::Extensions;

use super::VerifiedBody;

/// axum's `Router` turns every request into a `Request<axum::body::Body>`. This type is private, so
/// nothing but verification can put it into the extensions.
#[derive(Clone)]
struct Proof(VerifiedBody);

pub(super) fn attach(extensions: &mut Extensions, body: &VerifiedBody) {
    extensions.insert(Proof(body.clone()));
}

impl VerifiedBody {
    /// The body that was verified for the request with these extensions.
    pub(crate) fn proven_in(extensions: &Extensions) -> Option<&Self> {
        extensions.get::<Proof>().map(|Proof(body)| body)
    }
}
