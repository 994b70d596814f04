use std::{fmt, sync::Arc, time::Duration};

use http::request::Parts;
use tower_layer::Layer;

use super::{Report, Webhook};
#[cfg(feature = "tokio")]
use crate::time::TokioTimer;
use crate::{
    AcknowledgeLayer, BoxError, ChallengeLayer, DecompressionLayer, Secrets, VerifySignatureLayer,
    observe::Monitor, time::Timer,
};

/// Receives webhooks: answers the challenge, verifies notifications, and gives what the inner
/// service makes of them the right status. See the [module](crate::webhook).
#[derive(Clone)]
pub struct WebhookLayer {
    pub(super) max_challenge_length: usize,
    pub(super) verify: VerifySignatureLayer,
    pub(super) max_inflated_size: usize,
    pub(super) acknowledge: AcknowledgeLayer,
    pub(super) observer: Option<Arc<Observer>>,
    pub(super) monitor: Monitor,
}

pub(super) type Observer = dyn Fn(Report<'_>) + Send + Sync;

impl WebhookLayer {
    /// How long Nylas waits for the answer to a notification or a challenge
    /// ([source](https://developer.nylas.com/docs/dev-guide/best-practices/webhook-best-practices/)).
    pub const NYLAS_TIMEOUT: Duration = Duration::from_secs(10);

    /// Receives the webhooks of one destination, and takes the time from tokio.
    #[cfg(feature = "tokio")]
    pub fn new(secrets: Secrets) -> Self {
        Self::with_timer(secrets, TokioTimer)
    }

    /// Receives the webhooks of one destination, on any runtime.
    pub fn with_timer(secrets: Secrets, timer: impl Timer) -> Self {
        let timer: Arc<dyn Timer> = Arc::new(timer);
        Self {
            monitor: Monitor::new(&timer),
            max_challenge_length: ChallengeLayer::MAX_LENGTH,
            verify: VerifySignatureLayer::with_timer(secrets, timer.clone()),
            max_inflated_size: DecompressionLayer::MAX_SIZE,
            acknowledge: AcknowledgeLayer::with_timer(timer),
            observer: None,
        }
    }

    /// Looks the secrets up for each request; see
    /// [`VerifySignatureLayer::with_lookup`]. Challenges are answered for every path and host.
    #[must_use]
    pub fn with_lookup<F>(self, lookup: F) -> Self
    where
        F: Fn(&Parts) -> Result<Option<Secrets>, BoxError> + Send + Sync + 'static,
    {
        self.change_verify(|verify| verify.with_lookup(lookup))
    }

    /// Takes the secrets from the request's extensions; see
    /// [`VerifySignatureLayer::secrets_from_extensions`].
    #[must_use]
    pub fn secrets_from_extensions(self) -> Self {
        self.change_verify(VerifySignatureLayer::secrets_from_extensions)
    }

    /// The longest challenge that is answered, in bytes; longer ones get a `400`. By default
    /// [`ChallengeLayer::MAX_LENGTH`].
    #[must_use]
    pub fn max_challenge_length(mut self, bytes: usize) -> Self {
        self.max_challenge_length = bytes;
        self
    }

    /// The largest body that is read, in bytes on the wire; larger ones get a `413`. By default
    /// [`VerifySignatureLayer::MAX_BODY_SIZE`].
    #[must_use]
    pub fn max_body_size(self, bytes: usize) -> Self {
        self.change_verify(|verify| verify.max_body_size(bytes))
    }

    /// The largest inflated body, in bytes; larger ones get a `503`. By default
    /// [`DecompressionLayer::MAX_SIZE`].
    #[must_use]
    pub fn max_inflated_size(mut self, bytes: usize) -> Self {
        self.max_inflated_size = bytes;
        self
    }

    /// How long reading the whole body may take; then the answer is `408`. By default
    /// [`VerifySignatureLayer::READ_TIMEOUT`].
    #[must_use]
    pub fn read_timeout(self, timeout: Duration) -> Self {
        self.change_verify(|verify| verify.read_timeout(timeout))
    }

    /// How many bytes all bodies together may hold while they wait for more, before they are
    /// verified; what does not fit gets a `503`. By default
    /// [`VerifySignatureLayer::MEMORY_BUDGET`]. Layers that were cloned from this one share it. See
    /// [`verify`](crate::verify#memory-before-verification).
    #[must_use]
    pub fn memory_budget(self, bytes: usize) -> Self {
        self.change_verify(|verify| verify.memory_budget(bytes))
    }

    /// How many bytes of the [memory budget](Self::memory_budget) are used at present.
    pub fn buffered_bytes(&self) -> usize {
        self.verify.buffered_bytes()
    }

    /// How long the inner service may take until it is ready and done; then its future is dropped
    /// and the answer is `503`. By default [`AcknowledgeLayer::TIMEOUT`].
    #[must_use]
    pub fn handler_timeout(mut self, timeout: Duration) -> Self {
        self.acknowledge = self.acknowledge.timeout(timeout);
        self
    }

    /// Whether test events get a `200` instead of a `401`; by default not. See
    /// [`VerifySignatureLayer::acknowledge_test_events`].
    #[must_use]
    pub fn acknowledge_test_events(self, acknowledge: bool) -> Self {
        self.change_verify(|verify| verify.acknowledge_test_events(acknowledge))
    }

    /// Passes the inner service's own `4xx` responses on; see
    /// [`AcknowledgeLayer::pass_client_errors`].
    #[must_use]
    pub fn pass_client_errors(mut self) -> Self {
        self.acknowledge = self.acknowledge.pass_client_errors();
        self
    }

    /// Tells `observer` what became of each request, right before it is answered. The function
    /// must not block.
    ///
    /// ```
    /// # use tower_nylas::{Secrets, WebhookLayer};
    /// let layer = WebhookLayer::new(Secrets::pending()).observe(|report| eprintln!("{report}"));
    /// ```
    #[must_use]
    pub fn observe(mut self, observer: impl Fn(Report<'_>) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
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
        let read = self.verify.read_timeout_value();
        let handle = self.acknowledge.timeout_value();
        assert!(
            read.saturating_add(handle) < Self::NYLAS_TIMEOUT,
            "the read timeout ({read:?}) and the handler timeout ({handle:?}) together must be \
             below the {:?} that Nylas waits",
            Self::NYLAS_TIMEOUT,
        );
        Webhook::new(inner, self)
    }

    fn change_verify(
        mut self,
        change: impl FnOnce(VerifySignatureLayer) -> VerifySignatureLayer,
    ) -> Self {
        self.verify = change(self.verify);
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
            .field("max_challenge_length", &self.max_challenge_length)
            .field("verify", &self.verify)
            .field("max_inflated_size", &self.max_inflated_size)
            .field("acknowledge", &self.acknowledge)
            .finish_non_exhaustive()
    }
}
