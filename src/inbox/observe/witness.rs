//! The trait of everything that observes a worker.

use std::{
    fmt::Display,
    time::{Duration, Instant},
};

use crate::{
    inbox::{EntryKey, Settlement, Stats},
    middleware::both,
};

/// What observes a worker, `Enqueue` and `LazyInbox`: metrics, the log. As the `Witness` of
/// requests, every method does nothing by default, `()` observes nothing, and a pair passes
/// everything on to both.
#[allow(unused_variables)]
pub(in crate::inbox) trait Witness: Sized {
    /// Called when a worker starts, or one of the others is made.
    fn new(now: Instant) -> Self;

    /// An entry was claimed, after so many crashes and failures.
    fn claimed(&self, key: EntryKey, crashes: u32, failures: u32, now: Instant) {}

    /// An entry was settled.
    fn settled(&self, key: EntryKey, settlement: &Settlement, now: Instant) {}

    /// An entry was handled, so long after it was received.
    fn done(&self, lag: Duration) {}

    /// An entry was not settled, since another claim has replaced this one.
    fn lease_lost(&self, key: EntryKey, now: Instant) {}

    /// A call of the engine failed.
    fn engine_failed(&self, call: &'static str, why: &dyn Display, now: Instant) {}

    /// The other inbox has stored an entry, since the first one did not.
    fn spilled(&self, key: EntryKey, why: &dyn Display, now: Instant) {}

    /// An inbox could not be opened, and for so long: zero at the first attempt that fails.
    fn opening_failed(&self, why: &dyn Display, failing_for: Duration) {}

    /// It is open, so long after the first attempt that has failed.
    fn opened(&self, failed_for: Duration) {}

    /// A drain has ended with so many claims that could not be settled.
    fn left_open(&self, claims: usize) {}

    /// How many entries there are.
    fn stats(&self, stats: &Stats) {}
}

impl Witness for () {
    fn new(_now: Instant) {}
}

impl<A: Witness, B: Witness> Witness for (A, B) {
    fn new(now: Instant) -> Self {
        (A::new(now), B::new(now))
    }

    fn claimed(&self, key: EntryKey, crashes: u32, failures: u32, now: Instant) {
        both(
            || self.0.claimed(key, crashes, failures, now),
            || self.1.claimed(key, crashes, failures, now),
        );
    }

    fn settled(&self, key: EntryKey, settlement: &Settlement, now: Instant) {
        both(
            || self.0.settled(key, settlement, now),
            || self.1.settled(key, settlement, now),
        );
    }

    fn done(&self, lag: Duration) {
        both(|| self.0.done(lag), || self.1.done(lag));
    }

    fn lease_lost(&self, key: EntryKey, now: Instant) {
        both(
            || self.0.lease_lost(key, now),
            || self.1.lease_lost(key, now),
        );
    }

    fn engine_failed(&self, call: &'static str, why: &dyn Display, now: Instant) {
        both(
            || self.0.engine_failed(call, why, now),
            || self.1.engine_failed(call, why, now),
        );
    }

    fn spilled(&self, key: EntryKey, why: &dyn Display, now: Instant) {
        both(
            || self.0.spilled(key, why, now),
            || self.1.spilled(key, why, now),
        );
    }

    fn opening_failed(&self, why: &dyn Display, failing_for: Duration) {
        both(
            || self.0.opening_failed(why, failing_for),
            || self.1.opening_failed(why, failing_for),
        );
    }

    fn opened(&self, failed_for: Duration) {
        both(|| self.0.opened(failed_for), || self.1.opened(failed_for));
    }

    fn left_open(&self, claims: usize) {
        both(|| self.0.left_open(claims), || self.1.left_open(claims));
    }

    fn stats(&self, stats: &Stats) {
        both(|| self.0.stats(stats), || self.1.stats(stats));
    }
}
