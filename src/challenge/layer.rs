use tower_layer::Layer;

use super::Challenge;

/// Answers Nylas' challenge; passes every other request to the inner service unchanged. See the
/// [module](crate::challenge).
#[derive(Debug, Clone, Copy)]
pub struct ChallengeLayer {
    max_length: usize,
}

impl ChallengeLayer {
    /// The longest challenge that is answered by default: 4 KiB. Those of Nylas are UUIDs so far.
    pub const MAX_LENGTH: usize = 4 * 1024;

    /// A layer with the default limit.
    pub fn new() -> Self {
        Self {
            max_length: Self::MAX_LENGTH,
        }
    }

    /// Answers challenges of up to this many bytes after decoding; longer ones get a `400`. By
    /// default [4 KiB](Self::MAX_LENGTH).
    #[must_use]
    pub fn max_length(mut self, bytes: usize) -> Self {
        self.max_length = bytes;
        self
    }

    /// Wraps a service. The same as [`Layer::layer`], without an import.
    pub fn layer<S>(&self, inner: S) -> Challenge<S> {
        Challenge::new(inner, self.max_length)
    }
}

impl Default for ChallengeLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for ChallengeLayer {
    type Service = Challenge<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Self::layer(self, inner)
    }
}
