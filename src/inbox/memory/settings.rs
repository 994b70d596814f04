use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::MemoryInbox;
use crate::time::{Timer, later};

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) timer: Arc<dyn Timer>,
    pub(super) lease: Duration,
    pub(super) window: Duration,
    pub(super) max_keys: usize,
    pub(super) max_bytes: usize,
    pub(super) keep_done_for: Duration,
    pub(super) keep_done_bytes: usize,
    pub(super) keep_dead_for: Duration,
}

impl Settings {
    pub(super) fn new(timer: Arc<dyn Timer>) -> Self {
        Self {
            timer,
            lease: MemoryInbox::LEASE,
            window: MemoryInbox::WINDOW,
            max_keys: MemoryInbox::MAX_KEYS,
            max_bytes: MemoryInbox::MAX_BYTES,
            keep_done_for: Duration::ZERO,
            keep_done_bytes: 0,
            keep_dead_for: MemoryInbox::KEEP_DEAD_FOR,
        }
    }
}

/// The moment itself, where the clock represents none later.
pub(super) fn after(now: Instant, duration: Duration) -> Instant {
    later(now, duration).unwrap_or(now)
}
