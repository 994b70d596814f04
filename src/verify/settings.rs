//! The settings of a layer, shared by all of its services.

use std::{fmt, sync::Arc, time::Duration};

use super::{MemoryBudget, Mismatch, SecretSource, VerifySignatureLayer, mismatch::TestEventCheck};
#[cfg(feature = "health")]
use crate::signature::Secrets;
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
    /// `None` for what suits the source.
    pub(crate) on_mismatch: Option<Mismatch>,
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
            on_mismatch: None,
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

    /// The secrets, if the same ones apply to every request.
    #[cfg(feature = "health")]
    pub(crate) fn fixed_secrets(&self) -> Option<&Secrets> {
        self.source.is_fixed().then(|| self.source.fixed())
    }

    /// The choice, or the default: secrets that are made for each request are never proven, and an
    /// answer that depends on their proof would tell which tenants exist.
    pub(super) fn on_mismatch(&self) -> Mismatch {
        self.on_mismatch.unwrap_or(if self.source.is_fixed() {
            Mismatch::RetryUntilProven
        } else {
            Mismatch::Refuse
        })
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
            .field("on_mismatch", &self.on_mismatch())
            .finish_non_exhaustive()
    }
}
