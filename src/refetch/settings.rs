use std::time::Duration;

use super::{OnUnauthorized, RefetchLayer};

/// The settings of a [`RefetchLayer`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) timeout: Duration,
    pub(super) max_size: usize,
    pub(super) on_unauthorized: OnUnauthorized,
    pub(super) passes_last_attempt: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            timeout: RefetchLayer::TIMEOUT,
            max_size: RefetchLayer::MAX_SIZE,
            on_unauthorized: OnUnauthorized::default(),
            passes_last_attempt: true,
        }
    }
}
