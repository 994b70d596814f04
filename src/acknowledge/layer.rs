use std::{sync::Arc, time::Duration};

use tower_layer::Layer;

use super::Acknowledge;
use crate::time::Timer;
#[cfg(feature = "tokio")]
use crate::time::TokioTimer;

/// Turns whatever the inner service answers into the status that Nylas needs. See the
/// [module](crate::acknowledge).
#[derive(Clone)]
pub struct AcknowledgeLayer {
    pub(super) timer: Arc<dyn Timer>,
    pub(super) timeout: Duration,
    pub(super) pass_client_errors: bool,
}

impl AcknowledgeLayer {
    /// How long the inner service may take by default, until it is ready and done: 6 seconds.
    pub const TIMEOUT: Duration = Duration::from_secs(6);

    /// A layer with the defaults, which takes the time from tokio.
    #[cfg(feature = "tokio")]
    pub fn new() -> Self {
        Self::with_timer(TokioTimer)
    }

    /// A layer with the defaults, on any runtime.
    pub fn with_timer(timer: impl Timer) -> Self {
        Self {
            timer: Arc::new(timer),
            timeout: Self::TIMEOUT,
            pass_client_errors: false,
        }
    }

    /// Answers `503` if the inner service was not ready and done after this time; by default
    /// [`TIMEOUT`](Self::TIMEOUT). The future of the inner service is dropped then, as it is when
    /// a client disconnects.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Passes the inner service's own `4xx` responses on unchanged; by default they become `503`.
    ///
    /// Nylas takes all of them but `408` and `429` (which become `429`) as final: it drops the
    /// notification, and counts it towards switching the destination off.
    #[must_use]
    pub fn pass_client_errors(mut self) -> Self {
        self.pass_client_errors = true;
        self
    }

    pub(crate) fn timeout_value(&self) -> Duration {
        self.timeout
    }

    /// Wraps a service. The same as [`Layer::layer`], without an import.
    pub fn layer<S>(&self, inner: S) -> Acknowledge<S> {
        Acknowledge::new(inner, self.clone())
    }
}

#[cfg(feature = "tokio")]
impl Default for AcknowledgeLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for AcknowledgeLayer {
    type Service = Acknowledge<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Self::layer(self, inner)
    }
}

impl std::fmt::Debug for AcknowledgeLayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AcknowledgeLayer")
            .field("timeout", &self.timeout)
            .field("pass_client_errors", &self.pass_client_errors)
            .finish_non_exhaustive()
    }
}
