use std::{fmt, sync::Arc};

use tower_layer::Layer;

use super::{Deduplicate, MemorySeenIds, SeenIds};

/// Calls the inner service once for each notification. See the [module](crate::dedup).
pub struct DeduplicateLayer<I = MemorySeenIds> {
    ids: Arc<I>,
}

impl DeduplicateLayer {
    /// Remembers ids in memory, with the defaults of [`MemorySeenIds`]. Clones of the layer and all
    /// its services share them; another layer does not.
    pub fn new() -> Self {
        Self::over(MemorySeenIds::new())
    }
}

impl<I: SeenIds> DeduplicateLayer<I> {
    /// Remembers ids in this store.
    pub fn over(ids: I) -> Self {
        Self { ids: Arc::new(ids) }
    }

    /// Wraps a service. The same as [`Layer::layer`], without an import.
    pub fn layer<S>(&self, inner: S) -> Deduplicate<S, I> {
        Deduplicate::new(inner, self.ids.clone())
    }
}

impl Default for DeduplicateLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S, I: SeenIds> Layer<S> for DeduplicateLayer<I> {
    type Service = Deduplicate<S, I>;

    fn layer(&self, inner: S) -> Self::Service {
        Self::layer(self, inner)
    }
}

impl<I> Clone for DeduplicateLayer<I> {
    fn clone(&self) -> Self {
        Self {
            ids: self.ids.clone(),
        }
    }
}

impl<I> fmt::Debug for DeduplicateLayer<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeduplicateLayer").finish_non_exhaustive()
    }
}
