use std::{sync::Arc, time::Duration};

#[cfg(feature = "tokio")]
use http::request::Parts;
use tower_layer::Layer;

use super::{MemoryBudget, Mismatch, SecretSource, VerifySignature, settings::Settings};
use crate::time::Timer;
#[cfg(feature = "tokio")]
use crate::{report::BoxError, signature::Secrets, time::TokioTimer};

/// Verifies the signature of every request; passes a `Request<VerifiedBody>` to the inner service.
/// See the [module](crate::verify).
#[derive(Debug, Clone)]
pub struct VerifySignatureLayer {
    settings: Arc<Settings>,
}

impl VerifySignatureLayer {
    /// The largest body on the wire by default: 4 MiB. Nylas truncates messages at 1 MB, but no
    /// other kind of notification, and a `413` loses a notification for good.
    pub const MAX_BODY_SIZE: usize = 4 * 1024 * 1024;

    /// How long reading the whole body may take by default: 3 seconds.
    pub const READ_TIMEOUT: Duration = Duration::from_secs(3);

    /// How many bytes all unverified bodies together may hold by default while they wait for more:
    /// 64 MiB.
    pub const MEMORY_BUDGET: usize = 64 * 1024 * 1024;

    /// Verifies with secrets from `source`, which are [`Secrets`](crate::Secrets) or another
    /// [`SecretSource`], and takes the time from tokio.
    #[cfg(feature = "tokio")]
    pub fn new(source: impl Into<SecretSource>) -> Self {
        Self::with_timer(source, TokioTimer)
    }

    /// Verifies with secrets from `source`, on any runtime.
    pub fn with_timer(source: impl Into<SecretSource>, timer: impl Timer) -> Self {
        Self {
            settings: Arc::new(Settings::new(source.into(), Arc::new(timer))),
        }
    }

    /// Looks the secrets up for each request: the same as [`new`](Self::new) with
    /// [`SecretSource::lookup`].
    #[cfg(feature = "tokio")]
    pub fn by_lookup<F>(lookup: F) -> Self
    where
        F: Fn(&Parts) -> Result<Option<Secrets>, BoxError> + Send + Sync + 'static,
    {
        Self::new(SecretSource::lookup(lookup))
    }

    /// Takes the secrets from the request's extensions: the same as [`new`](Self::new) with
    /// [`SecretSource::extensions`].
    #[cfg(feature = "tokio")]
    pub fn from_extensions() -> Self {
        Self::new(SecretSource::extensions())
    }

    /// Refuses a larger body, counted on the wire, with `413`; by default
    /// [4 MiB](Self::MAX_BODY_SIZE). Below 1 MB, genuine notifications are lost.
    #[must_use]
    pub fn max_body_size(self, bytes: usize) -> Self {
        self.change(|settings| settings.max_body_size = bytes)
    }

    /// Refuses a body that has not arrived completely after this time with `408`, which Nylas
    /// repeats; by default [3 seconds](Self::READ_TIMEOUT).
    #[must_use]
    pub fn read_timeout(self, timeout: Duration) -> Self {
        self.change(|settings| settings.read_timeout = timeout)
    }

    /// Bounds the bytes that unverified bodies hold while they wait for more; a body that does not
    /// fit gets a `503`, which Nylas repeats. By default the layer has a budget of its own of
    /// [64 MiB](Self::MEMORY_BUDGET). See the [guide](crate::_guide::memory).
    ///
    /// A body that has arrived completely when it is first polled is not counted.
    #[must_use]
    pub fn memory_budget(self, budget: MemoryBudget) -> Self {
        self.change(|settings| settings.budget = budget)
    }

    /// Acknowledges test events with `200` instead of `401`; by default off.
    ///
    /// Nylas' *send test event* (Dashboard, CLI and API) signs with a public secret. Since anybody
    /// can do that, such a request is answered and reported, but never reaches the inner service
    /// ([source](https://developer.nylas.com/docs/reference/api/webhook-notifications/)).
    #[must_use]
    pub fn acknowledge_test_events(self, acknowledge: bool) -> Self {
        self.change(|settings| settings.acknowledge_test_events = acknowledge)
    }

    /// Chooses the answer to a body whose signature does not match.
    ///
    /// Nylas does not send a notification again after `401`. So a server that was restarted with a
    /// wrong or an old secret would lose all of them, and therefore the default over one set of
    /// [`Secrets`](crate::Secrets) is [`Mismatch::RetryUntilProven`]: a secret that has not verified
    /// any body yet may be the one that is wrong, and until then the answer is `503`. The price: a
    /// stranger learns whether the newest secret is proven, and a proxy that counts `5xx` can take
    /// a server out of rotation that has only seen forgeries yet.
    ///
    /// With another [`SecretSource`] the default is [`Mismatch::Refuse`]: sets that are made for
    /// each request are never proven, and the answer would tell which tenants exist.
    #[must_use]
    pub fn on_mismatch(self, on_mismatch: Mismatch) -> Self {
        self.change(|settings| settings.on_mismatch = Some(on_mismatch))
    }

    /// Wraps a service. The same as [`Layer::layer`], without an import.
    pub fn layer<S>(&self, inner: S) -> VerifySignature<S> {
        VerifySignature::new(inner, self.settings.clone())
    }

    fn change(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }
}

impl<S> Layer<S> for VerifySignatureLayer {
    type Service = VerifySignature<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Self::layer(self, inner)
    }
}
