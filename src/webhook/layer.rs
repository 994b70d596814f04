use std::{fmt, sync::Arc, time::Duration};

#[cfg(feature = "tokio")]
use http::request::Parts;
use tower_layer::Layer;

use super::{Webhook, settings::Settings};
#[cfg(feature = "health")]
use crate::health::Health;
#[cfg(feature = "tokio")]
use crate::{report::BoxError, signature::Secrets, time::TokioTimer};
use crate::{
    report::Report,
    time::Timer,
    verify::{MemoryBudget, Mismatch, SecretSource},
};

/// Receives webhooks: answers the challenge, verifies notifications, and maps the response of the
/// inner service to the status that Nylas needs. See the [module](crate::webhook).
#[derive(Clone)]
pub struct WebhookLayer {
    settings: Arc<Settings>,
}

impl WebhookLayer {
    /// How long Nylas waits for the answer to a notification or a challenge: 10 seconds
    /// ([source](https://developer.nylas.com/docs/dev-guide/best-practices/webhook-best-practices/)).
    pub const NYLAS_TIMEOUT: Duration = Duration::from_secs(10);

    /// Receives webhooks, and takes the time from tokio. The secrets are
    /// [`Secrets`](crate::Secrets) of one destination, or come from another [`SecretSource`].
    #[cfg(feature = "tokio")]
    pub fn new(source: impl Into<SecretSource>) -> Self {
        Self::with_timer(source, TokioTimer)
    }

    /// Receives webhooks, on any runtime.
    pub fn with_timer(source: impl Into<SecretSource>, timer: impl Timer) -> Self {
        Self {
            settings: Arc::new(Settings::new(source.into(), Arc::new(timer))),
        }
    }

    /// Looks the secrets up for each request: the same as [`new`](Self::new) with
    /// [`SecretSource::lookup`]. Challenges are answered for every path and host.
    ///
    /// ```
    /// # use std::collections::HashMap;
    /// # use tower_nylas::{Secrets, WebhookLayer};
    /// # let tenants = HashMap::from([("/webhooks/acme", Secrets::pending())]);
    /// let layer = WebhookLayer::by_lookup(move |request| {
    ///     Ok(tenants.get(request.uri.path()).cloned())
    /// });
    /// ```
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

    /// The longest challenge that is answered, in bytes; longer ones get a `400`. By default
    /// [4 KiB](crate::ChallengeLayer::MAX_LENGTH).
    #[must_use]
    pub fn max_challenge_length(self, bytes: usize) -> Self {
        self.change(|settings| settings.max_challenge_length = bytes)
    }

    /// The largest body that is read, in bytes on the wire; larger ones get a `413`. By default
    /// [4 MiB](crate::VerifySignatureLayer::MAX_BODY_SIZE).
    #[must_use]
    pub fn max_body_size(self, bytes: usize) -> Self {
        self.change(|settings| settings.verify.max_body_size = bytes)
    }

    /// The largest inflated body, in bytes; larger ones get a `503`. By default
    /// [16 MiB](crate::DecompressionLayer::MAX_SIZE).
    #[must_use]
    pub fn max_inflated_size(self, bytes: usize) -> Self {
        self.change(|settings| settings.max_inflated_size = bytes)
    }

    /// How long reading the whole body may take; after that the answer is `408`. By default
    /// [3 seconds](crate::VerifySignatureLayer::READ_TIMEOUT).
    #[must_use]
    pub fn read_timeout(self, timeout: Duration) -> Self {
        self.change(|settings| settings.verify.read_timeout = timeout)
    }

    /// Bounds the bytes that unverified bodies hold while they wait for more; a body that does not
    /// fit gets a `503`. By default the layer has a budget of its own of
    /// [64 MiB](crate::VerifySignatureLayer::MEMORY_BUDGET). See the
    /// [guide](crate::_guide::memory).
    #[must_use]
    pub fn memory_budget(self, budget: MemoryBudget) -> Self {
        self.change(|settings| settings.verify.budget = budget)
    }

    /// How long the inner service may take to become ready and answer; after that its future is
    /// dropped and the answer is `503`. By default [6 seconds](crate::AcknowledgeLayer::TIMEOUT).
    #[must_use]
    pub fn handler_timeout(self, timeout: Duration) -> Self {
        self.change(|settings| settings.acknowledge.timeout = timeout)
    }

    /// Whether test events get a `200` instead of a `401`; by default not. See
    /// [`VerifySignatureLayer::acknowledge_test_events`](crate::VerifySignatureLayer::acknowledge_test_events).
    #[must_use]
    pub fn acknowledge_test_events(self, acknowledge: bool) -> Self {
        self.change(|settings| settings.verify.acknowledge_test_events = acknowledge)
    }

    /// Chooses the answer to a body whose signature does not match; by default, over one set of
    /// [`Secrets`](crate::Secrets), `503` until the newest secret has verified a body, then `401`.
    /// See [`VerifySignatureLayer::on_mismatch`](crate::VerifySignatureLayer::on_mismatch).
    #[must_use]
    pub fn on_mismatch(self, on_mismatch: Mismatch) -> Self {
        self.change(|settings| settings.verify.on_mismatch = Some(on_mismatch))
    }

    /// Passes the inner service's own `4xx` responses on; by default they become `503`. See
    /// [`AcknowledgeLayer::pass_client_errors`](crate::AcknowledgeLayer::pass_client_errors).
    #[must_use]
    pub fn pass_client_errors(self) -> Self {
        self.change(|settings| settings.acknowledge.pass_client_errors = true)
    }

    /// Calls `observer` with what became of each request, right before it is answered; of several
    /// calls, the last one counts. The function must not block. If it panics, the answer is given
    /// all the same, unless the program is built with `panic = "abort"`.
    ///
    /// ```
    /// # use tower_nylas::{Secrets, WebhookLayer};
    /// let layer = WebhookLayer::new(Secrets::pending()).observe(|report| eprintln!("{report}"));
    /// ```
    #[must_use]
    pub fn observe(self, observer: impl Fn(Report<'_>) + Send + Sync + 'static) -> Self {
        self.change(|settings| settings.observers.set_closure(observer))
    }

    /// Tells `health` of each request, which judges by them what Nylas will think of the
    /// destination. Several layers may have the same one.
    #[cfg(feature = "health")]
    #[must_use]
    pub fn health(self, health: &Health) -> Self {
        self.change(|settings| {
            let secrets = settings.verify.fixed_secrets().cloned();
            settings.observers.set_health(health.attach(secrets));
        })
    }

    /// Wraps a service. The same as [`Layer::layer`], without an import.
    ///
    /// # Panics
    ///
    /// If the [read timeout](Self::read_timeout) and the [handler timeout](Self::handler_timeout)
    /// together are not below the 10 seconds that Nylas waits: a slow delivery would be repeated
    /// although it was handled.
    #[track_caller]
    pub fn layer<S>(&self, inner: S) -> Webhook<S> {
        let read = self.settings.verify.read_timeout;
        let handle = self.settings.acknowledge.timeout;
        assert!(
            read.saturating_add(handle) < Self::NYLAS_TIMEOUT,
            "the read timeout ({read:?}) and the handler timeout ({handle:?}) together must be \
             below the {:?} that Nylas waits",
            Self::NYLAS_TIMEOUT,
        );
        Webhook::new(inner, self.settings.clone())
    }

    fn change(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }
}

impl<S> Layer<S> for WebhookLayer {
    type Service = Webhook<S>;

    #[track_caller]
    fn layer(&self, inner: S) -> Self::Service {
        Self::layer(self, inner)
    }
}

impl fmt::Debug for WebhookLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookLayer")
            .field("max_challenge_length", &self.settings.max_challenge_length)
            .field("verify", &self.settings.verify)
            .field("max_inflated_size", &self.settings.max_inflated_size)
            .field("acknowledge", &self.settings.acknowledge)
            .finish_non_exhaustive()
    }
}
