use std::{sync::Arc, time::Duration};

use tower_layer::Layer;

use super::{Acknowledge, settings::Settings};
use crate::time::Timer;
#[cfg(feature = "tokio")]
use crate::time::TokioTimer;

/// Maps the response of the inner service to the status that Nylas needs. See the
/// [module](crate::acknowledge).
#[derive(Debug, Clone)]
pub struct AcknowledgeLayer {
    settings: Arc<Settings>,
}

impl AcknowledgeLayer {
    /// How long the inner service may take by default to become ready and answer: 6 seconds.
    pub const TIMEOUT: Duration = Duration::from_secs(6);

    /// A layer with the defaults, which takes the time from tokio.
    #[cfg(feature = "tokio")]
    pub fn new() -> Self {
        Self::with_timer(TokioTimer)
    }

    /// A layer with the defaults, on any runtime.
    pub fn with_timer(timer: impl Timer) -> Self {
        Self {
            settings: Arc::new(Settings::new(Arc::new(timer))),
        }
    }

    /// Answers `503` if the inner service did not become ready and answer within this time; by
    /// default [6 seconds](Self::TIMEOUT). Its future is dropped then, as when a client
    /// disconnects.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        self.change(|settings| settings.timeout = timeout)
    }

    /// Passes the inner service's own `4xx` responses on, with their headers and body; by default
    /// they become `503`. Their version, extensions and a malformed `Retry-After` are dropped all
    /// the same.
    ///
    /// `408` and `429` still become `429`. All others are final for Nylas: it drops the
    /// notification, and counts it towards disabling the destination.
    #[must_use]
    pub fn pass_client_errors(self) -> Self {
        self.change(|settings| settings.pass_client_errors = true)
    }

    /// Wraps a service. The same as [`Layer::layer`], without an import.
    pub fn layer<S>(&self, inner: S) -> Acknowledge<S> {
        Acknowledge::new(inner, self.settings.clone())
    }

    fn change(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
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
