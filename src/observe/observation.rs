//! The observation of one request, from its arrival to its end.

use std::{
    mem,
    sync::Arc,
    time::{Duration, Instant},
};

#[cfg(feature = "health")]
use bytes::Bytes;
use http::StatusCode;

use super::{
    Members,
    facts::{End, Facts, Head, Identity},
    witness::{Reads, Witness},
};
#[cfg(feature = "health")]
use crate::health::Attached;
use crate::{
    report::{CodingFault, Report, Resolution},
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
        /// `None` if ends alone are read.
        at: Option<Instant>,
        /// Known of some requests that are refused.
        destination: Option<Arc<str>>,
    },
    Verified {
        /// When it was received and verified; `None` if ends alone are read.
        at: Option<(Instant, Instant)>,
        attempt: Attempt,
        identity: Option<Box<Identity>>,
        delivery: <Members as Witness>::Delivery,
    },
    Ended,
}

/// Which attempt of Nylas it is.
enum Attempt {
    Known(Option<u32>),
    /// To be read if it matters.
    #[cfg(feature = "health")]
    In(Bytes),
}

impl Attempt {
    #[cfg(feature = "health")]
    fn to_be_read(body: &VerifiedBody, is_decoded: bool) -> Self {
        if is_decoded {
            Self::In(body.bytes().clone())
        } else {
            Self::Known(None)
        }
    }

    /// Without the feature, ends are never read alone.
    #[cfg(not(feature = "health"))]
    fn to_be_read(_: &VerifiedBody, _is_decoded: bool) -> Self {
        Self::Known(None)
    }

    /// `None` also if the answer is `200` and it was not read before.
    #[cfg_attr(not(feature = "health"), allow(unused_variables))]
    fn of(&self, status: Option<StatusCode>) -> Option<u32> {
        match self {
            Self::Known(attempt) => *attempt,
            #[cfg(feature = "health")]
            Self::In(_) if status == Some(StatusCode::OK) => None,
            #[cfg(feature = "health")]
            Self::In(body) => Head::of(body).attempt(),
        }
    }
}

impl Observers {
    pub(crate) fn new(timer: Arc<dyn Timer>) -> Self {
        let members = Members::new(timer.now());
        Self { members, timer }
    }

    pub(crate) fn set_closure(&mut self, observer: impl Fn(Report<'_>) + Send + Sync + 'static) {
        self.members.1.1.1 = Some(Arc::new(observer));
    }

    #[cfg(feature = "health")]
    pub(crate) fn set_health(&mut self, health: Attached) {
        self.members.1.1.0 = Some(health);
    }

    pub(crate) fn received(&self) -> Observation {
        let at = match self.members.reads() {
            Reads::Nothing => return Observation(Stage::Unread),
            Reads::Ends => None,
            Reads::All => {
                let now = self.timer.now();
                self.members.received(now);
                Some(now)
            }
        };
        let destination = None;
        Observation(Stage::Received { at, destination })
    }

    /// To be called with each change of the number of bytes that unverified bodies hold.
    pub(crate) fn buffered(bytes: isize) {
        Members::buffered(bytes);
    }
}

impl Observation {
    /// The destination of a request that is refused.
    pub(crate) fn refused_for(&mut self, label: Option<Arc<str>>) {
        if let Stage::Received { destination, .. } = &mut self.0 {
            *destination = label;
        }
    }

    /// `body` is the decoded body if `coding` says so, with what was wrong, and `on_the_wire` the
    /// number of bytes received.
    pub(crate) fn verified<E>(
        &mut self,
        observers: &Observers,
        on_the_wire: usize,
        coding: &Result<Option<CodingFault>, E>,
        body: &mut VerifiedBody,
    ) {
        let Stage::Received {
            at: received_at, ..
        } = self.0
        else {
            return;
        };
        let Some(received_at) = received_at else {
            self.0 = Stage::Verified {
                at: None,
                attempt: Attempt::to_be_read(body, coding.is_ok()),
                identity: None,
                delivery: observers.members.verified(body.shared_label(), None, None),
            };
            return;
        };
        let at = observers.timer.now();
        #[cfg(feature = "router")]
        let head = coding.is_ok().then(|| Head::of(body.bytes()));
        #[cfg(not(feature = "router"))]
        let head: Option<Head<'_>> = None;
        let attempt = head.as_ref().and_then(Head::attempt);
        let destination = body.shared_label();
        let facts = Facts {
            head: head.as_ref(),
            attempt,
            on_the_wire,
            fault: coding.as_ref().ok().copied().flatten(),
            reading: at.saturating_duration_since(received_at),
            now: at,
            unix_time: observers.timer.unix_time(),
        };
        let reads_identity = observers.members.reads_identity();
        let identity = reads_identity.then(|| Box::new(facts.identity(destination)));
        let delivery = observers
            .members
            .verified(destination, Some(&facts), identity.as_deref());
        #[cfg(feature = "router")]
        if let Some(trigger_at) = head.and_then(|head| head.trigger_at()) {
            body.set_trigger_at(trigger_at);
        }
        self.0 = Stage::Verified {
            at: Some((received_at, at)),
            attempt: Attempt::Known(attempt),
            identity,
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

    /// `answer` returns the status and the resolution; called only if they are read.
    pub(crate) fn answered<'a>(
        &mut self,
        observers: &Observers,
        answer: impl FnOnce() -> (StatusCode, Resolution<'a>),
    ) {
        if !matches!(self.0, Stage::Unread) {
            let (status, resolution) = answer();
            self.end(observers, Some(status), resolution);
        }
    }

    /// The request was dropped: its client disconnected, unless it was answered before.
    pub(crate) fn dropped(&mut self, observers: &Observers) {
        if !matches!(self.0, Stage::Unread) {
            self.end(observers, None, Resolution::Disconnected);
        }
    }

    fn end(
        &mut self,
        observers: &Observers,
        status: Option<StatusCode>,
        resolution: Resolution<'_>,
    ) {
        let Observers { members, timer } = observers;
        match mem::replace(&mut self.0, Stage::Ended) {
            Stage::Unread | Stage::Ended => {}
            Stage::Received { at, destination } => {
                let now = timer.now();
                let report = Report {
                    resolution,
                    is_verified: false,
                    status,
                    duration: since(at.unwrap_or(now), now),
                    destination: destination.as_deref(),
                    trigger: None,
                    notification_id: None,
                    attempt: None,
                };
                members.unverified(&report, now);
            }
            Stage::Verified {
                at,
                attempt,
                identity,
                delivery,
            } => {
                let now = timer.now();
                let (duration, handling) = match at {
                    Some((received_at, at)) => (since(received_at, now), since(at, now)),
                    None => (Duration::ZERO, Duration::ZERO),
                };
                let identity = identity.as_deref();
                let report = Report {
                    resolution,
                    is_verified: true,
                    status,
                    duration,
                    destination: identity.map(|identity| &*identity.destination),
                    trigger: identity.and_then(|identity| identity.trigger.as_deref()),
                    notification_id: identity
                        .and_then(|identity| identity.notification_id.as_deref()),
                    attempt: attempt.of(status),
                };
                let end = End {
                    report,
                    now,
                    handling,
                };
                members.ended(&delivery, &end);
            }
        }
    }
}

fn since(then: Instant, now: Instant) -> Duration {
    now.saturating_duration_since(then)
}
