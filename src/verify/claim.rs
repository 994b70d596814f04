//! What the head of a request claims: that its body was signed, with a secret of this set.

use http::{HeaderMap, request::Parts};

use super::settings::Settings;
use crate::{
    report::Rejection,
    signature::{SIGNATURE_HEADER, Secrets, Signature},
};

pub(super) struct Claim {
    pub(super) signature: Signature,
    /// What was looked up for this request; else it is the layer's own set.
    found: Option<Secrets>,
}

impl Claim {
    /// Everything that can be decided before the body is polled. `at_least` is the least number of
    /// bytes that it will have.
    pub(super) fn examine(
        request: &mut Parts,
        at_least: u64,
        settings: &Settings,
    ) -> Result<Self, Rejection> {
        let signature = signature(&mut request.headers)?;
        let found = settings.source.find(request)?;
        let claim = Self { signature, found };
        if claim.secrets(settings).is_pending() {
            return Err(Rejection::SecretPending);
        }
        if at_least > settings.max_body_size as u64 {
            return Err(Rejection::BodyTooLarge(settings.max_body_size));
        }
        Ok(claim)
    }

    /// The secrets, one of which must have signed the body. The layer's own are borrowed, since
    /// each clone costs a request two atomic operations.
    pub(super) fn secrets<'a>(&'a self, settings: &'a Settings) -> &'a Secrets {
        self.found.as_ref().unwrap_or(settings.source.fixed())
    }

    pub(super) fn by_lookup(&self) -> bool {
        self.found.is_some()
    }
}

/// The one signature among the headers, which are gone through once: looking it up, looking for a
/// second one and looking it up again to mark it took 400 instructions instead of 100.
fn signature(headers: &mut HeaderMap) -> Result<Signature, Rejection> {
    let mut signature = Err(Rejection::SignatureMissing);
    for (name, value) in headers.iter_mut() {
        if *name == SIGNATURE_HEADER {
            // A handler that logs its request does not log the signature.
            value.set_sensitive(true);
            signature = match signature {
                Err(Rejection::SignatureMissing) => {
                    Signature::try_from(&*value).map_err(Rejection::SignatureMalformed)
                }
                _ => Err(Rejection::SignatureRepeated),
            };
        }
    }
    signature
}
