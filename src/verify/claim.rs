//! What the head of a request claims: a signature of its body, by a secret of one set.

use std::sync::Arc;

use http::{HeaderMap, request::Parts};

use super::{settings::Settings, source::Found};
use crate::{
    report::Rejection,
    signature::{InvalidSignature, SIGNATURE_HEADER, Secrets, Signature},
};

pub(super) struct Claim {
    pub(super) signature: Signature,
    /// The set that was looked up for this request; without one, the layer's own set applies.
    found: Option<Secrets>,
    /// No tenant was found, and that is to be concealed until the body was read.
    pub(super) is_unknown: bool,
}

impl Claim {
    /// Finds the signature, and the secrets for it.
    pub(super) fn find(request: &mut Parts, settings: &Settings) -> Result<Self, Rejection> {
        settings.examine_timer()?;
        let signature = signature(&mut request.headers)?;
        let (found, is_unknown) = match settings.source.find(request)? {
            Found::Own => (None, false),
            Found::Tenant(secrets) => (Some(secrets), false),
            Found::Nobody { decoy: None } => return Err(Rejection::TenantUnknown),
            Found::Nobody { decoy } => (decoy, true),
        };
        Ok(Self {
            signature,
            found,
            is_unknown,
        })
    }

    /// Decides what else can be decided before the body is polled. `min_length` is the least number
    /// of bytes that the body will have.
    pub(super) fn examine(&self, min_length: u64, settings: &Settings) -> Result<(), Rejection> {
        if self.secrets(settings).is_pending() {
            return Err(Rejection::SecretPending);
        }
        if min_length > settings.max_body_size as u64 {
            return Err(Rejection::BodyTooLarge(settings.max_body_size));
        }
        Ok(())
    }

    /// The label of the secrets, unless they are a decoy.
    pub(super) fn destination(&self, settings: &Settings) -> Option<Arc<str>> {
        (!self.is_unknown).then(|| self.secrets(settings).shared_label().clone())
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

/// The signature in the headers: the only one, or the same in several fields. Found in one
/// iteration over them: looking it up, looking for a second one and looking it up again to mark it
/// took 400 instructions instead of 100.
fn signature(headers: &mut HeaderMap) -> Result<Signature, Rejection> {
    let mut signature = Err(Rejection::SignatureMissing);
    for (name, value) in headers.iter_mut() {
        if *name == SIGNATURE_HEADER {
            // So that a handler that logs its request does not log the signature.
            value.set_sensitive(true);
            signature = match signature {
                Err(Rejection::SignatureMissing) => Signature::try_from(&*value).map_err(refused),
                // Both are the client's, so their comparison reveals nothing.
                Ok(first) if Signature::try_from(&*value) != Ok(first) => {
                    Err(Rejection::SignatureRepeated)
                }
                decided => decided,
            };
        }
    }
    signature
}

fn refused(why: InvalidSignature) -> Rejection {
    match why {
        InvalidSignature::Repeated => Rejection::SignatureRepeated,
        why => Rejection::SignatureMalformed(why),
    }
}
