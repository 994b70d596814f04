//! What goes wrong between Nylas and an endpoint.

use std::{
    fmt,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use http::StatusCode;

use super::{DestinationId, Shared};
use crate::testing::nylas::random::Random;

/// Something that goes wrong, from [`Simulator::inject`](super::Simulator::inject) until its
/// [`Injected`] is removed.
///
/// It hits every attempt to every destination, unless it is restricted; and challenges and test
/// events, as far as it can.
#[derive(Debug, Clone)]
pub struct Fault {
    kind: Kind,
    destination: Option<DestinationId>,
    probability: f64,
    count: u64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Slow(Duration),
    ResetBefore,
    ResetAfter(Duration),
    AnswerLost,
    WrongSignature,
    Proxy(StatusCode),
    Twice,
    Delayed(Duration),
}

impl Fault {
    /// Each answer is this much longer on its way. Nylas waits for it no longer than 10 seconds.
    pub fn slow(by: Duration) -> Self {
        Self::new(Kind::Slow(by))
    }

    /// The connection is reset before the endpoint has got the request.
    pub fn reset_before_request() -> Self {
        Self::new(Kind::ResetBefore)
    }

    /// The connection is reset this long after the request was sent, and the endpoint's call
    /// dropped, as a server does it. In process, zero means the first time that it waits.
    pub fn reset_after_request(delay: Duration) -> Self {
        Self::new(Kind::ResetAfter(delay))
    }

    /// The endpoint has answered, and its answer does not arrive.
    pub fn answer_lost() -> Self {
        Self::new(Kind::AnswerLost)
    }

    /// The signature is made with another secret.
    pub fn wrong_signature() -> Self {
        Self::new(Kind::WrongSignature)
    }

    /// A proxy answers with this status, and the endpoint does not get the request.
    pub fn proxy_answers(status: StatusCode) -> Self {
        Self::new(Kind::Proxy(status))
    }

    /// Each attempt is made twice, one right after the other, with the same bytes.
    pub fn sent_twice() -> Self {
        Self::new(Kind::Twice)
    }

    /// Each attempt is made up to this much later, so that notifications overtake each other.
    pub fn out_of_order(within: Duration) -> Self {
        Self::new(Kind::Delayed(within))
    }

    fn new(kind: Kind) -> Self {
        Self {
            kind,
            destination: None,
            probability: 1.0,
            count: u64::MAX,
        }
    }

    /// Only attempts to this destination.
    #[must_use]
    pub fn on(mut self, destination: &DestinationId) -> Self {
        self.destination = Some(destination.clone());
        self
    }

    /// Only some attempts: from 0 for none to 1 for all, chosen by the seed.
    #[must_use]
    pub fn probability(mut self, probability: f64) -> Self {
        self.probability = probability;
        self
    }

    /// Only this many attempts, the first ones.
    #[must_use]
    pub fn count(mut self, attempts: u64) -> Self {
        self.count = attempts;
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slow(by) => write!(f, "slow by {by:?}"),
            Self::ResetBefore => f.write_str("reset before the request"),
            Self::ResetAfter(_) => f.write_str("reset after the request"),
            Self::AnswerLost => f.write_str("answer lost"),
            Self::WrongSignature => f.write_str("wrong signature"),
            Self::Proxy(status) => write!(f, "proxy answers {}", status.as_u16()),
            Self::Twice => f.write_str("sent twice"),
            Self::Delayed(within) => write!(f, "out of order within {within:?}"),
        }
    }
}

/// A fault that was injected. Dropping it changes nothing.
#[derive(Clone)]
pub struct Injected {
    active: Arc<Active>,
    shared: Weak<Shared>,
}

impl Injected {
    pub(super) fn new(fault: Fault, shared: Weak<Shared>) -> (Self, Arc<Active>) {
        let active = Arc::new(Active {
            left: AtomicU64::new(fault.count),
            hits: AtomicU64::new(0),
            is_removed: AtomicBool::new(false),
            fault,
        });
        let injected = Self {
            active: active.clone(),
            shared,
        };
        (injected, active)
    }

    /// Ends it.
    pub fn remove(&self) {
        self.active.remove();
        if let Some(shared) = self.shared.upgrade() {
            let faults = &mut shared.state().faults;
            faults.retain(|other| !Arc::ptr_eq(other, &self.active));
        }
    }

    /// Whether it hits nothing any more: it was removed, or has hit as many attempts as
    /// [it was to](Fault::count).
    pub fn is_over(&self) -> bool {
        self.active.is_removed.load(Ordering::SeqCst) || self.active.is_used_up()
    }

    /// How many attempts it has hit.
    pub fn hits(&self) -> u64 {
        self.active.hits.load(Ordering::SeqCst)
    }
}

impl fmt::Debug for Injected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Injected")
            .field("fault", &self.active.fault)
            .field("hits", &self.hits())
            .finish_non_exhaustive()
    }
}

pub(super) struct Active {
    fault: Fault,
    left: AtomicU64,
    hits: AtomicU64,
    is_removed: AtomicBool,
}

impl Active {
    pub(super) fn is_used_up(&self) -> bool {
        self.left.load(Ordering::SeqCst) == 0
    }

    pub(super) fn remove(&self) {
        self.is_removed.store(true, Ordering::SeqCst);
    }

    /// What happens to an attempt to this destination, if anything.
    pub(super) fn hit(
        &self,
        destination: Option<&DestinationId>,
        random: &mut Random,
    ) -> Option<Kind> {
        let Fault {
            kind,
            destination: only,
            probability,
            ..
        } = &self.fault;
        let is_meant = only.is_none() || only.as_ref() == destination;
        // Drawn in any case, so that the fault's other settings do not change what else is drawn.
        let is_drawn = random.happens(*probability);
        if self.is_removed.load(Ordering::SeqCst) || !is_meant || !is_drawn {
            return None;
        }
        let left = |left: u64| left.checked_sub(1);
        let left = self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, left);
        left.ok()?;
        self.hits.fetch_add(1, Ordering::SeqCst);
        Some(*kind)
    }
}
