//! The observation of one request, from its arrival to its end.

use std::{
    mem,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    Members,
    facts::{End, Facts, Head},
    witness::Witness,
};
use crate::{
    report::{CodingFault, Report},
    time::Timer,
    verify::VerifiedBody,
};

/// What observes the requests of one layer, and the clock for it.
#[derive(Clone)]
pub(crate) struct Observers {
    members: Members,
    timer: Arc<dyn Timer>,
}

/// Observes one request to its end, even if it is dropped.
pub(crate) struct Observation(Stage);

enum Stage {
    /// Nothing reads the observations.
    Unread,
    Received {
        at: Instant,
    },
    Verified {
        received_at: Instant,
        at: Instant,
        delivery: <Members as Witness>::Delivery,
    },
    Ended,
}

impl Observers {
    pub(crate) fn new(timer: Arc<dyn Timer>) -> Self {
        let members = Members::new(timer.now());
        Self { members, timer }
    }

    pub(crate) fn set_closure(&mut self, observer: impl Fn(Report<'_>) + Send + Sync + 'static) {
        self.members.1.1 = Some(Arc::new(observer));
    }

    pub(crate) fn received(&self) -> Observation {
        if !self.members.is_read() {
            return Observation(Stage::Unread);
        }
        let at = self.timer.now();
        self.members.received(at);
        Observation(Stage::Received { at })
    }

    /// To be called with each change of the number of bytes that unverified bodies hold.
    pub(crate) fn buffered(bytes: isize) {
        Members::buffered(bytes);
    }
}

impl Observation {
    /// `body` is the decoded body, if it could be decoded, `fault` what was wrong with its coding
    /// then, and `on_the_wire` the number of bytes received.
    pub(crate) fn verified(
        &mut self,
        observers: &Observers,
        on_the_wire: usize,
        fault: Option<CodingFault>,
        body: Option<&mut VerifiedBody>,
    ) {
        let Stage::Received { at: received_at } = self.0 else {
            return;
        };
        let at = observers.timer.now();
        #[cfg(feature = "router")]
        let head = body.as_deref().map(|body| Head::of(body.bytes()));
        #[cfg(not(feature = "router"))]
        let head: Option<Head<'_>> = body.and(None);
        let delivery = observers.members.verified(&Facts {
            head: head.as_ref(),
            on_the_wire,
            fault,
            reading: at.saturating_duration_since(received_at),
            now: at,
            unix_time: observers.timer.unix_time(),
        });
        #[cfg(feature = "router")]
        if let Some(trigger_at) = head.and_then(|head| head.trigger_at())
            && let Some(body) = body
        {
            body.set_trigger_at(trigger_at);
        }
        self.0 = Stage::Verified {
            received_at,
            at,
            delivery,
        };
    }

    /// To be held while the handler runs, or is dropped.
    pub(crate) fn enter(&self) -> Option<<Members as Witness>::Entered<'_>> {
        match &self.0 {
            Stage::Verified { delivery, .. } => Some(Members::enter(delivery)),
            _ => None,
        }
    }

    /// `report` returns the status and the report of the answer; called only if they are read.
    pub(crate) fn answered<'a>(
        &mut self,
        observers: &Observers,
        report: impl FnOnce() -> (u16, Report<'a>),
    ) {
        if !matches!(self.0, Stage::Unread) {
            self.end(observers, Some(report()));
        }
    }

    /// The request was dropped: its client disconnected, unless it was answered before.
    pub(crate) fn dropped(&mut self, observers: &Observers) {
        if !matches!(self.0, Stage::Unread) {
            self.end(observers, None);
        }
    }

    fn end(&mut self, observers: &Observers, answer: Option<(u16, Report<'_>)>) {
        let Observers { members, timer } = observers;
        match (mem::replace(&mut self.0, Stage::Ended), answer) {
            (Stage::Unread | Stage::Ended, _) => {}
            (Stage::Received { .. }, Some((_, report))) => members.answered(report, timer.now()),
            (Stage::Received { .. }, None) => members.aborted(timer.now()),
            (
                Stage::Verified {
                    received_at,
                    at,
                    delivery,
                },
                answer,
            ) => {
                let now = timer.now();
                let since = |then| -> Duration { now.saturating_duration_since(then) };
                let end = End {
                    answer,
                    now,
                    handling: since(at),
                    total: since(received_at),
                };
                members.ended(&delivery, &end);
            }
        }
    }
}
