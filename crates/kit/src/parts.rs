//! The parts of an endpoint, for a test to put together, with handlers that note what they saw.

use std::sync::{Arc, Mutex};

use tower_nylas::{Notification, Report, Secrets, TriggerRouter, WebhookLayer};

use crate::delivery::proven;

/// What happened, line by line.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub fn note(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    /// What was noted since the last time.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// A layer and a router.
#[derive(Debug, Clone)]
pub struct Parts {
    pub webhook: WebhookLayer,
    pub triggers: TriggerRouter,
    /// The ids of the notifications that reached the handler of `message.created`.
    pub handled: Log,
    /// What the operator was told.
    pub reports: Log,
}

impl Parts {
    pub fn new(secrets: Secrets) -> Self {
        let (handled, reports) = (Log::default(), Log::default());
        let (handler_log, observer_log) = (handled.clone(), reports.clone());
        Self {
            webhook: WebhookLayer::new(secrets)
                .observe(move |report: Report<'_>| observer_log.note(report.to_string())),
            triggers: TriggerRouter::new()
                .on("message.created", move |n: Notification| {
                    let log = handler_log.clone();
                    async move { log.note(n.id().unwrap_or_default()) }
                })
                .on("grant.expired", async || Err::<(), _>("on purpose"))
                .on("event.created", async || -> () { panic!("on purpose") }),
            handled,
            reports,
        }
    }

    pub fn known() -> Self {
        Self::new(proven())
    }

    pub fn pending() -> Self {
        Self::new(Secrets::pending())
    }
}
