//! The settings of a layer, shared by all of its services.

use std::{fmt, sync::Arc, time::Duration};

use super::{MemoryBudget, SecretSource, VerifySignatureLayer, mismatch::TestEventCheck};
use crate::{
    report::Rejection,
    signature::WebhookSecret,
    time::{Timer, TimerCheck},
};

#[derive(Clone)]
pub(crate) struct Settings {
    pub(super) source: SecretSource,
    pub(crate) max_body_size: usize,
    pub(crate) read_timeout: Duration,
    pub(crate) acknowledge_test_events: bool,
    pub(crate) budget: MemoryBudget,
    /// Called with each change of the number of bytes that bodies hold while they wait.
    pub(crate) on_buffered: fn(isize),
    pub(crate) timer: Arc<dyn Timer>,
    timer_check: TimerCheck,
    pub(super) test_event_secret: WebhookSecret,
    pub(super) test_event_check: TestEventCheck,
}

impl Settings {
    pub(crate) fn new(source: SecretSource, timer: Arc<dyn Timer>) -> Self {
        Self {
            source,
            max_body_size: VerifySignatureLayer::MAX_BODY_SIZE,
            read_timeout: VerifySignatureLayer::READ_TIMEOUT,
            acknowledge_test_events: false,
            budget: MemoryBudget::default(),
            on_buffered: |_| (),
            test_event_secret: WebhookSecret::of_test_events(),
            test_event_check: TestEventCheck::new(&*timer),
            timer,
            timer_check: TimerCheck::default(),
        }
    }

    /// Refuses requests that would panic as soon as they are slow.
    #[inline]
    pub(crate) fn examine_timer(&self) -> Result<(), Rejection> {
        match self.timer_check.examine(&self.timer) {
            Ok(()) => Ok(()),
            Err(_) => Err(Rejection::TimerMissing),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("source", &self.source)
            .field("max_body_size", &self.max_body_size)
            .field("read_timeout", &self.read_timeout)
            .field("budget", &self.budget)
            .field("acknowledge_test_events", &self.acknowledge_test_events)
            .finish_non_exhaustive()
    }
}
