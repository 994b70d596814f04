//! One request, from its arrival to the end of its verification.

use std::{sync::Arc, time::Instant};

#[cfg(feature = "tracing")]
use super::log::{self, Log};
#[cfg(feature = "metrics")]
use super::meter;
use super::{Delivery, labels};
use crate::{VerifiedBody, report::Report, time::Timer};

/// What all requests of one layer share.
#[derive(Clone)]
pub(crate) struct Monitor(Arc<Shared>);

struct Shared {
    timer: Arc<dyn Timer>,
    #[cfg(feature = "tracing")]
    log: Log,
}

impl Monitor {
    pub(crate) fn new(timer: &Arc<dyn Timer>) -> Self {
        Self(Arc::new(Shared {
            #[cfg(feature = "tracing")]
            log: Log::new(timer.now()),
            timer: timer.clone(),
        }))
    }

    /// A request has arrived.
    pub(crate) fn watch(&self) -> Watch {
        let arrival = Arrival {
            monitor: self.clone(),
            at: self.now(),
        };
        #[cfg(feature = "metrics")]
        meter::received();
        // There is no task that would wait for the end of a window.
        #[cfg(feature = "tracing")]
        self.log().tell_kept_back(arrival.at);
        Watch {
            arrival,
            ended: false,
        }
    }

    pub(super) fn now(&self) -> Instant {
        self.0.timer.now()
    }

    #[cfg(feature = "tracing")]
    pub(super) fn log(&self) -> &Log {
        &self.0.log
    }
}

/// When a request arrived, and where.
#[derive(Clone)]
pub(super) struct Arrival {
    pub(super) monitor: Monitor,
    pub(super) at: Instant,
}

/// Sees to it that every request is counted to its end, even one that is dropped.
pub(crate) struct Watch {
    arrival: Arrival,
    ended: bool,
}

impl Watch {
    /// From here on the [`Delivery`] tells of it. `body` is what the notification says, if it could
    /// be decoded, and `on_the_wire` how many bytes that was.
    pub(crate) fn verified(&mut self, on_the_wire: usize, body: Option<&VerifiedBody>) -> Delivery {
        self.ended = true;
        Delivery::begin(&self.arrival, on_the_wire, body)
    }

    pub(crate) fn end<'a>(&mut self, report: impl FnOnce() -> Report<'a>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let report = report();
        #[cfg(feature = "tracing")]
        let (log, now) = (self.arrival.monitor.log(), self.arrival.monitor.now());
        match report {
            Report::Challenged => {
                #[cfg(feature = "metrics")]
                meter::challenged();
                #[cfg(feature = "tracing")]
                log::challenged();
            }
            Report::Rejected(rejection) => {
                let reason = labels::reason(rejection);
                #[cfg(feature = "metrics")]
                meter::rejected(reason);
                #[cfg(feature = "tracing")]
                log.rejected(now, reason, rejection);
            }
            // A test event: all others were handed over. Anybody can sign one, so nothing that it
            // says is told.
            Report::Acknowledged(outcome) => {
                let label = labels::outcome(outcome);
                #[cfg(feature = "metrics")]
                meter::outcome(label, "none".into());
                #[cfg(feature = "tracing")]
                log.test_event(now, label, outcome);
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        #[cfg(feature = "metrics")]
        meter::rejected(labels::ABORTED);
        #[cfg(feature = "tracing")]
        {
            let monitor = &self.arrival.monitor;
            monitor.log().aborted(monitor.now());
        }
    }
}
