use std::time::Duration;

use super::Pause;

#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) concurrency: usize,
    pub(super) drain_timeout: Duration,
    pub(super) pause: Pause,
}
