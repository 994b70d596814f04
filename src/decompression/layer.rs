use tower_layer::Layer;

use super::Decompression;

/// Inflates verified bodies. See the [module](crate::decompression).
#[derive(Debug, Clone, Copy)]
pub struct DecompressionLayer {
    max_size: usize,
}

impl DecompressionLayer {
    /// The largest inflated body by default: 16 MiB. There is no limit on the ratio, since real
    /// mail compresses to as little as 1/480.
    pub const MAX_SIZE: usize = 16 * 1024 * 1024;

    /// A layer with the default limit.
    pub fn new() -> Self {
        Self {
            max_size: Self::MAX_SIZE,
        }
    }

    /// Refuses what inflates to more than this many bytes with `503`; by default
    /// [`MAX_SIZE`](Self::MAX_SIZE).
    #[must_use]
    pub fn max_size(mut self, bytes: usize) -> Self {
        self.max_size = bytes;
        self
    }

    /// Wraps a service. The same as [`Layer::layer`], without an import.
    pub fn layer<S>(&self, inner: S) -> Decompression<S> {
        Decompression::new(inner, self.max_size)
    }
}

impl Default for DecompressionLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for DecompressionLayer {
    type Service = Decompression<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Self::layer(self, inner)
    }
}
