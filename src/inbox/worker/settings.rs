use std::time::Duration;

#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) concurrency: usize,
    pub(super) drain_timeout: Duration,
}
