//! The trait of everything that observes requests.

use std::time::Instant;

use super::facts::{End, Facts, Identity};
use crate::{middleware::both, report::Report};

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

    /// Whether anything reads the observations. If not, neither the clock nor the body is read.
    fn is_read(&self) -> bool {
        false
    }

    /// Whether the identity of each notification is read at its end. If not, nothing of the body
    /// is copied.
    fn reads_identity(&self) -> bool {
        false
    }

    /// A request has arrived.
    fn received(&self, _now: Instant) {}

    /// A request is about to be answered without having been verified, or its client disconnected.
    fn unverified(&self, _report: &Report<'_>, _now: Instant) {}

    /// A notification was verified; its handler is called next. There is an identity if any member
    /// reads it.
    fn verified(&self, facts: &Facts<'_>, identity: Option<&Identity>) -> Self::Delivery;

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

    fn verified(&self, _facts: &Facts<'_>, _identity: Option<&Identity>) {}
}

impl<A: Witness, B: Witness> Witness for (A, B) {
    type Delivery = (A::Delivery, B::Delivery);
    type Entered<'a> = (A::Entered<'a>, B::Entered<'a>);

    fn new(now: Instant) -> Self {
        (A::new(now), B::new(now))
    }

    fn is_read(&self) -> bool {
        self.0.is_read() || self.1.is_read()
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

    fn verified(&self, facts: &Facts<'_>, identity: Option<&Identity>) -> Self::Delivery {
        (
            self.0.verified(facts, identity),
            self.1.verified(facts, identity),
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
