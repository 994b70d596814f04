//! Where the secrets for a request come from.

use std::{fmt, sync::Arc};

use http::request::Parts;

use crate::{
    middleware::catch,
    report::{BoxError, Rejection, SharedError},
    signature::Secrets,
};

/// The source of the webhook secrets for a request: one set for all requests, a lookup, or the
/// request's extensions.
///
/// [`Secrets`] convert into it, so `WebhookLayer::new(secrets)` needs no mention of this type.
///
/// ```
/// use std::collections::HashMap;
/// use tower_nylas::{SecretSource, Secrets, WebhookLayer};
///
/// let tenants = HashMap::from([("/webhooks/acme", Secrets::pending())]);
/// let source = SecretSource::lookup(move |request| {
///     Ok(tenants.get(request.uri.path()).cloned())
/// });
/// let layer = WebhookLayer::new(source);
/// ```
#[derive(Clone)]
pub struct SecretSource {
    /// For every request, unless there is a finder; then it is pending and not used.
    fixed: Secrets,
    finder: Option<Finder>,
    /// What a request of an unknown tenant is verified with, if that is to be concealed.
    decoy: Option<Secrets>,
}

/// Whose secrets apply to a request.
pub(super) enum Found {
    /// The layer's own.
    Own,
    Tenant(Secrets),
    Nobody {
        decoy: Option<Secrets>,
    },
}

#[derive(Clone)]
enum Finder {
    Lookup(Arc<Lookup>),
    Extensions,
}

type Lookup = dyn Fn(&Parts) -> Result<Option<Secrets>, BoxError> + Send + Sync;

/// Inserted into the request's extensions by an asynchronous lookup, instead of [`Secrets`], if the
/// request belongs to no known tenant. The answer is `401`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownTenant;

impl SecretSource {
    /// Looks the secrets up for each request, by the request's head, before its body is read.
    ///
    /// For several tenants, each with a path or a host of its own. `Ok(None)` means that the tenant
    /// does not exist: `401`, with the same text as any other. `Err` means that the lookup failed:
    /// `503`, so that Nylas repeats the notification, and so does a panic (unless the program is
    /// built with `panic = "abort"`). The lookup must not block; one that has to wait belongs in an
    /// outer layer, see [`extensions`](Self::extensions).
    ///
    /// Keep and clone each tenant's [`Secrets`] instead of making them for each request: preparing
    /// a key costs as much as hashing a small body, and a rotation needs the shared set.
    pub fn lookup<F>(lookup: F) -> Self
    where
        F: Fn(&Parts) -> Result<Option<Secrets>, BoxError> + Send + Sync + 'static,
    {
        Self::found_by(Finder::Lookup(Arc::new(lookup)))
    }

    /// Takes the secrets from the request's extensions, where an outer layer has put them.
    ///
    /// That layer inserts [`Secrets`], or [`UnknownTenant`] for a `401`. Without either, the answer
    /// is `503`.
    pub fn extensions() -> Self {
        Self::found_by(Finder::Extensions)
    }

    fn found_by(finder: Finder) -> Self {
        Self {
            fixed: Secrets::pending(),
            finder: Some(finder),
            decoy: None,
        }
    }

    /// Treats a request of an unknown tenant like one with a wrong signature in all that its client
    /// can see; by default it gets `401` at once.
    ///
    /// By default, a stranger finds out which tenants exist with a well-formed signature and a body
    /// that is not sent: an unknown tenant is refused before the body is read, a known one waits
    /// it. With this, the body of an unknown tenant is read and hashed within the same limits,
    /// which costs what a forged request to a known tenant costs. What is `503` for a known tenant
    /// still shows that it exists: a secret that is not known yet, a rotation that is expected, and
    /// each mismatch after another choice than
    /// [`Mismatch::Refuse`](super::Mismatch::Refuse).
    #[must_use]
    pub fn conceal_unknown_tenants(mut self) -> Self {
        self.decoy = Secrets::new("nothing-signed-with-this-is-accepted").ok();
        self
    }

    pub(super) fn fixed(&self) -> &Secrets {
        &self.fixed
    }

    /// The label of the secrets that apply to every request, if they do.
    pub(super) fn fixed_label(&self) -> Option<Arc<str>> {
        self.is_fixed().then(|| self.fixed.shared_label().clone())
    }

    /// Whether the same secrets apply to every request.
    pub(super) fn is_fixed(&self) -> bool {
        self.finder.is_none()
    }

    /// The secrets for this request.
    pub(super) fn find(&self, request: &Parts) -> Result<Found, Rejection> {
        let found = match &self.finder {
            None => return Ok(Found::Own),
            Some(Finder::Lookup(lookup)) => catch(|| lookup(request))
                .unwrap_or_else(|panic| Err(panic.into()))
                .map_err(|error| Rejection::LookupFailed(SharedError::from(error)))?,
            Some(Finder::Extensions) => from_extensions(request)?,
        };
        Ok(match found {
            Some(secrets) => Found::Tenant(secrets),
            None => Found::Nobody {
                decoy: self.decoy.clone(),
            },
        })
    }
}

fn from_extensions(request: &Parts) -> Result<Option<Secrets>, Rejection> {
    let extensions = &request.extensions;
    match (extensions.get::<Secrets>(), extensions.get()) {
        (_, Some(UnknownTenant)) => Ok(None),
        (Some(secrets), None) => Ok(Some(secrets.clone())),
        // A layer is missing: with 401 every notification would be lost.
        (None, None) => Err(Rejection::LookupFailed(SharedError::from(BoxError::from(
            "no outer layer put `Secrets` into the request's extensions",
        )))),
    }
}

impl From<Secrets> for SecretSource {
    fn from(secrets: Secrets) -> Self {
        Self {
            fixed: secrets,
            finder: None,
            decoy: None,
        }
    }
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.finder {
            None => self.fixed.fmt(f),
            Some(Finder::Lookup(_)) => f.write_str("Lookup(..)"),
            Some(Finder::Extensions) => f.write_str("Extensions"),
        }
    }
}
