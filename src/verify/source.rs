//! Where the secrets for a request come from.

use std::{fmt, sync::Arc};

use http::request::Parts;

use crate::{
    Rejection, Secrets,
    error::{BoxError, SharedError},
};

/// What an asynchronous lookup puts into the request's extensions, instead of
/// [`Secrets`], for a request that belongs to no known tenant. The answer is `401`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownTenant;

type Lookup = dyn Fn(&Parts) -> Result<Option<Secrets>, BoxError> + Send + Sync;

#[derive(Clone)]
pub(crate) enum Source {
    Fixed(Secrets),
    Lookup(Arc<Lookup>),
    Extensions,
}

impl Source {
    pub(crate) fn lookup(
        lookup: impl Fn(&Parts) -> Result<Option<Secrets>, BoxError> + Send + Sync + 'static,
    ) -> Self {
        Self::Lookup(Arc::new(lookup))
    }

    pub(super) fn secrets(&self, request: &Parts) -> Result<Secrets, Rejection> {
        let secrets = match self {
            Self::Fixed(secrets) => Some(secrets.clone()),
            Self::Lookup(lookup) => lookup(request)
                .map_err(|error| Rejection::LookupFailed(SharedError::from(error)))?,
            Self::Extensions => from_extensions(request)?,
        };
        match secrets {
            None => Err(Rejection::TenantUnknown),
            Some(secrets) if secrets.is_pending() => Err(Rejection::SecretPending),
            Some(secrets) => Ok(secrets),
        }
    }
}

fn from_extensions(request: &Parts) -> Result<Option<Secrets>, Rejection> {
    let extensions = &request.extensions;
    match (extensions.get::<Secrets>(), extensions.get()) {
        (_, Some(UnknownTenant)) => Ok(None),
        (Some(secrets), None) => Ok(Some(secrets.clone())),
        // A layer is missing: an answer of 401 would lose every notification.
        (None, None) => Err(Rejection::LookupFailed(SharedError::from(BoxError::from(
            "no outer layer put `Secrets` into the request's extensions",
        )))),
    }
}

impl From<Secrets> for Source {
    fn from(secrets: Secrets) -> Self {
        Self::Fixed(secrets)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(secrets) => secrets.fmt(f),
            Self::Lookup(_) => f.write_str("Lookup(..)"),
            Self::Extensions => f.write_str("Extensions"),
        }
    }
}
