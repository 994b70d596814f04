//! How pages look, and what they may load.

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderValue;
use sha2::{Digest, Sha256};

pub(super) const STYLE: &str = include_str!("style.css");

/// Nothing but this style, by its hash, and forms to this origin.
pub(crate) fn csp() -> HeaderValue {
    static CSP: LazyLock<HeaderValue> = LazyLock::new(|| {
        let hash = STANDARD.encode(Sha256::digest(STYLE));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; \
             frame-ancestors 'none'; base-uri 'none'"
        );
        // Base64 is text, so the fallback, which allows less, is never taken.
        let least = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
        HeaderValue::from_str(&policy).unwrap_or(least)
    });
    CSP.clone()
}
