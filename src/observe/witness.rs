//! The trait of everything that observes requests.

use std::{sync::Arc, time::Instant};

use super::facts::{End, Facts, Identity};
use crate::{middleware::both, report::Report};

/// How much of the observations is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reads {
    /// So neither the clock nor the body is read.
    Nothing,
    /// How requests end, and when: the clock is read once, and the body if the answer is not `200`.
    #[cfg_attr(not(feature = "health"), allow(dead_code))]
    Ends,
    All,
}

impl Reads {
    pub(super) fn all_if(condition: bool) -> Self {
        if condition { Self::All } else { Self::Nothing }
    }
}

/// What observes requests: metrics, the log, a closure of the application.
///
/// Every method does nothing by default. `()` observes nothing, and a pair passes everything on to
/// both. A member that is chosen at run time is an `Option`.
pub(crate) trait Witness: Sized {
    /// What is kept of a verified notification until it is answered.
    type Delivery;
    /// What is held while the handler runs, or is dropped.
    type Entered<'a>;

    /// Called when a layer is made.
    fn new(now: Instant) -> Self;

    /// How much of the observations is read.
    fn reads(&self) -> Reads {
        Reads::Nothing
    }

    /// Whether the identity of each notification is read at its end. If not, nothing of the body
    /// is copied.
    fn reads_identity(&self) -> bool {
        false
    }

    /// A request has arrived; called if all is read.
    fn received(&self, _now: Instant) {}

    /// A request is about to be answered without having been verified, or its client disconnected.
    fn unverified(&self, _report: &Report<'_>, _now: Instant) {}

    /// A notification to a destination was verified; its handler is called next. There are facts,
    /// and an identity, if any member reads them.
    fn verified(
        &self,
        destination: &Arc<str>,
        facts: Option<&Facts<'_>>,
        identity: Option<&Identity>,
    ) -> Self::Delivery;

    /// Before the handler runs, or is dropped.
    fn enter(delivery: &Self::Delivery) -> Self::Entered<'_>;

    /// A verified notification is about to be answered, or its client disconnected.
    fn ended(&self, _delivery: &Self::Delivery, _end: &End<'_>) {}

    /// Unverified bodies of any layer hold this many bytes more.
    fn buffered(_bytes: isize) {}
}

impl Witness for () {
    type Delivery = ();
    type Entered<'a> = ();

    fn new(_now: Instant) {}

    fn enter((): &()) {}

    fn verified(&self, _: &Arc<str>, _: Option<&Facts<'_>>, _: Option<&Identity>) {}
}

impl<A: Witness, B: Witness> Witness for (A, B) {
    type Delivery = (A::Delivery, B::Delivery);
    type Entered<'a> = (A::Entered<'a>, B::Entered<'a>);

    fn new(now: Instant) -> Self {
        (A::new(now), B::new(now))
    }

    fn reads(&self) -> Reads {
        self.0.reads().max(self.1.reads())
    }

    fn reads_identity(&self) -> bool {
        self.0.reads_identity() || self.1.reads_identity()
    }

    fn received(&self, now: Instant) {
        self.0.received(now);
        self.1.received(now);
    }

    fn unverified(&self, report: &Report<'_>, now: Instant) {
        both(
            || self.0.unverified(report, now),
            || self.1.unverified(report, now),
        );
    }

    fn verified(
        &self,
        destination: &Arc<str>,
        facts: Option<&Facts<'_>>,
        identity: Option<&Identity>,
    ) -> Self::Delivery {
        (
            self.0.verified(destination, facts, identity),
            self.1.verified(destination, facts, identity),
        )
    }

    fn enter((a, b): &Self::Delivery) -> Self::Entered<'_> {
        (A::enter(a), B::enter(b))
    }

    fn ended(&self, (a, b): &Self::Delivery, end: &End<'_>) {
        both(|| self.0.ended(a, end), || self.1.ended(b, end));
    }

    fn buffered(bytes: isize) {
        A::buffered(bytes);
        B::buffered(bytes);
    }
}
