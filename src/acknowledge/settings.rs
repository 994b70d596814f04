use std::{fmt, sync::Arc, time::Duration};

use super::AcknowledgeLayer;
use crate::time::{Timer, TimerCheck};

/// The settings of an [`AcknowledgeLayer`], shared by all of its services.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(super) timer: Arc<dyn Timer>,
    /// Only for the layer alone: verification has asked before.
    pub(super) timer_check: TimerCheck,
    pub(crate) timeout: Duration,
    pub(crate) pass_client_errors: bool,
}

impl Settings {
    pub(crate) fn new(timer: Arc<dyn Timer>) -> Self {
        Self {
            timer,
            timer_check: TimerCheck::default(),
            timeout: AcknowledgeLayer::TIMEOUT,
            pass_client_errors: false,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("timeout", &self.timeout)
            .field("pass_client_errors", &self.pass_client_errors)
            .finish_non_exhaustive()
    }
}
