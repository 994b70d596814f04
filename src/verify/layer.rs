use std::{sync::Arc, time::Duration};

use http::request::Parts;
use tower_layer::Layer;

use super::{VerifySignature, budget::Budget, config::Config, source::Source};
#[cfg(feature = "tokio")]
use crate::time::TokioTimer;
use crate::{BoxError, Secrets, time::Timer};

/// Verifies the signature of every request; hands `Request<VerifiedBody>` to the inner service.
/// See the [module](crate::verify).
#[derive(Debug, Clone)]
pub struct VerifySignatureLayer {
    config: Arc<Config>,
}

impl VerifySignatureLayer {
    /// The largest body on the wire by default: 4 MiB. Nylas truncates messages at 1 MB, but no
    /// other kind of notification, and a `413` loses a notification for good.
    pub const MAX_BODY_SIZE: usize = 4 * 1024 * 1024;

    /// How long reading the whole body may take by default: 3 seconds.
    pub const READ_TIMEOUT: Duration = Duration::from_secs(3);

    /// How many bytes bodies hold by default, all together, while they wait for more: 64 MiB.
    pub const MEMORY_BUDGET: usize = 64 * 1024 * 1024;

    /// Verifies with the secrets of one destination, and takes the time from tokio.
    #[cfg(feature = "tokio")]
    pub fn new(secrets: Secrets) -> Self {
        Self::with_timer(secrets, TokioTimer)
    }

    /// Verifies with the secrets of one destination, on any runtime.
    pub fn with_timer(secrets: Secrets, timer: impl Timer) -> Self {
        Self {
            config: Arc::new(Config::new(secrets.into(), Arc::new(timer))),
        }
    }

    /// Looks the secrets up for each request, by the request's head, before its body is read.
    ///
    /// For several tenants, each with a path or a host of its own. `Ok(None)` is a tenant that does
    /// not exist: `401`, with the same text as any other. `Err` is a lookup that failed: `503`, so
    /// that Nylas repeats the notification. The lookup must not block; one that has to wait is an
    /// outer layer, see [`secrets_from_extensions`](Self::secrets_from_extensions).
    ///
    /// A tenant's [`Secrets`] are to be kept and cloned, not made anew for each request: preparing
    /// a key costs as much as hashing a small body, and a rotation needs the shared set.
    #[must_use]
    pub fn with_lookup<F>(self, lookup: F) -> Self
    where
        F: Fn(&Parts) -> Result<Option<Secrets>, BoxError> + Send + Sync + 'static,
    {
        self.change(|config| config.source = Source::lookup(lookup))
    }

    /// Takes the secrets from the request's extensions, where an outer layer has put them.
    ///
    /// That layer inserts [`Secrets`], or [`UnknownTenant`](super::UnknownTenant) for a `401`. If
    /// it inserted neither, the answer is `503`.
    #[must_use]
    pub fn secrets_from_extensions(self) -> Self {
        self.change(|config| config.source = Source::Extensions)
    }

    /// Refuses a larger body, counted on the wire, with `413`; by default
    /// [`MAX_BODY_SIZE`](Self::MAX_BODY_SIZE). Below 1 MB, genuine notifications are lost.
    #[must_use]
    pub fn max_body_size(self, bytes: usize) -> Self {
        self.change(|config| config.max_body_size = bytes)
    }

    /// Refuses a body that is not there in whole after this time with `408`, which Nylas repeats;
    /// by default [`READ_TIMEOUT`](Self::READ_TIMEOUT).
    #[must_use]
    pub fn read_timeout(self, timeout: Duration) -> Self {
        self.change(|config| config.read_timeout = timeout)
    }

    /// How many bytes all bodies together may hold while they wait for more, before they are
    /// verified; what does not fit gets a `503`, which Nylas repeats. By default
    /// [`MEMORY_BUDGET`](Self::MEMORY_BUDGET). See the
    /// [module](crate::verify#memory-before-verification).
    ///
    /// Layers that were cloned from this one, and their services, share the budget. A body that
    /// arrives whole needs no room in it.
    #[must_use]
    pub fn memory_budget(self, bytes: usize) -> Self {
        self.change(|config| config.budget = Budget::new(bytes))
    }

    /// How many bytes of the [memory budget](Self::memory_budget) are used at present.
    pub fn buffered_bytes(&self) -> usize {
        self.config.budget.used()
    }

    /// Acknowledges test events with `200` instead of `401`; by default off.
    ///
    /// Nylas' *send test event* (Dashboard, CLI and API) signs with a public secret. Since anybody
    /// can do that, such a request is answered and reported, but never reaches the inner service
    /// ([source](https://developer.nylas.com/docs/reference/api/webhook-notifications/)).
    #[must_use]
    pub fn acknowledge_test_events(self, acknowledge: bool) -> Self {
        self.change(|config| config.acknowledge_test_events = acknowledge)
    }

    /// Wraps a service. The same as [`Layer::layer`], without an import.
    pub fn layer<S>(&self, inner: S) -> VerifySignature<S> {
        VerifySignature::new(inner, self.config.clone())
    }

    pub(crate) fn config(&self) -> &Arc<Config> {
        &self.config
    }

    pub(crate) fn read_timeout_value(&self) -> Duration {
        self.config.read_timeout
    }

    fn change(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(Arc::make_mut(&mut self.config));
        self
    }
}

impl<S> Layer<S> for VerifySignatureLayer {
    type Service = VerifySignature<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Self::layer(self, inner)
    }
}
