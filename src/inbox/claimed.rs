//! An entry that a worker has to handle.

use std::{fmt, time::Duration};

use super::Entry;

/// An entry, and the claim of it.
#[non_exhaustive]
pub struct Claimed<R> {
    /// The entry.
    pub entry: Entry,
    /// For [`extend`](super::Inbox::extend) and [`settle`](super::Inbox::settle).
    pub receipt: R,
    /// How long the claim lasts from now on, unless it is extended.
    pub lease: Duration,
    /// How many earlier claims have ended without a settlement: their process has died, or the
    /// engine was not reached. A settlement does not set it back, a replay does.
    pub crashes: u32,
    /// How many earlier claims have ended as [failed](super::Settlement::Retry). Only a replay sets
    /// it back.
    pub failures: u32,
    /// How long ago the first of these failures was, by the engine's own time; zero without one.
    pub failing_for: Duration,
}

impl<R> Claimed<R> {
    /// A claim of an entry that has neither crashed nor failed.
    pub fn new(entry: Entry, receipt: R, lease: Duration) -> Self {
        Self {
            entry,
            receipt,
            lease,
            crashes: 0,
            failures: 0,
            failing_for: Duration::ZERO,
        }
    }

    /// With this number of [crashes](Self::crashes).
    #[must_use]
    pub fn crashed(mut self, crashes: u32) -> Self {
        self.crashes = crashes;
        self
    }

    /// With this number of [failures](Self::failures), of which the first was so long ago.
    #[must_use]
    pub fn failed(mut self, failures: u32, failing_for: Duration) -> Self {
        self.failures = failures;
        self.failing_for = failing_for;
        self
    }

    /// The same claim, with another receipt.
    pub fn map<T>(self, receipt: impl FnOnce(R) -> T) -> Claimed<T> {
        Claimed {
            entry: self.entry,
            receipt: receipt(self.receipt),
            lease: self.lease,
            crashes: self.crashes,
            failures: self.failures,
            failing_for: self.failing_for,
        }
    }
}

/// Without the receipt.
impl<R> fmt::Debug for Claimed<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claimed")
            .field("entry", &self.entry)
            .field("lease", &self.lease)
            .field("crashes", &self.crashes)
            .field("failures", &self.failures)
            .field("failing_for", &self.failing_for)
            .finish_non_exhaustive()
    }
}
