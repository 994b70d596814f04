//! What the feature `tracing` emits of a worker, of `Enqueue` and of `LazyInbox`.

use std::{
    fmt::Display,
    time::{Duration, Instant},
};

use tracing::Level;

use super::witness::Witness;
use crate::{
    inbox::{EntryKey, Settlement},
    observe::{Flood, Suppressed, WINDOW},
    report::{event_at, one_line},
};

/// How many events of each kind are emitted in each 10 seconds.
const MANY: u32 = 100;

/// The events of one worker, or of one `Enqueue` or `LazyInbox` and its clones.
pub(in crate::inbox) struct Log(Flood<Kind>);

#[derive(Clone, Copy, PartialEq)]
struct Kind {
    level: Level,
    what: &'static str,
}

impl Log {
    fn admits(&self, kind: Kind, now: Instant) -> bool {
        let (admitted, before) = self.0.admit(kind, MANY, now);
        summarize(before);
        admitted
    }
}

impl Witness for Log {
    fn new(now: Instant) -> Self {
        Self(Flood::new(now))
    }

    fn settled(&self, key: EntryKey, settlement: &Settlement, now: Instant) {
        let what = settlement.name();
        let (level, why) = match settlement {
            Settlement::Done => (Level::DEBUG, ""),
            Settlement::Retry { failed, why, .. } => {
                let level = if *failed { Level::WARN } else { Level::DEBUG };
                (level, why.as_str())
            }
            Settlement::Dead { why, .. } => (Level::ERROR, why.as_str()),
        };
        if level == Level::DEBUG || self.admits(Kind { level, what }, now) {
            event_at!(level, entry = %key, settlement = what, "{why}");
        }
    }

    fn lease_lost(&self, key: EntryKey, now: Instant) {
        let (level, what) = (Level::WARN, "lease_lost");
        if self.admits(Kind { level, what }, now) {
            event_at!(
                level,
                entry = %key,
                "not settled, since another claim has replaced this one: it is handled once more"
            );
        }
    }

    fn engine_failed(&self, call: &'static str, why: &dyn Display, now: Instant) {
        let level = Level::WARN;
        if self.admits(Kind { level, what: call }, now) {
            event_at!(
                level,
                call,
                "the engine of the inbox failed: {}",
                one_line(why)
            );
        }
    }

    fn spilled(&self, key: EntryKey, why: &dyn Display, now: Instant) {
        let (level, what) = (Level::WARN, "spilled");
        if self.admits(Kind { level, what }, now) {
            event_at!(
                level,
                entry = %key,
                "stored in the other inbox, since the first one did not: {}",
                one_line(why)
            );
        }
    }

    fn opening_failed(&self, why: &dyn Display, failing_for: Duration) {
        let (why, seconds) = (one_line(why), failing_for.as_secs());
        if failing_for.is_zero() {
            event_at!(
                Level::WARN,
                "the inbox could not be opened, and is tried again: {why}"
            );
        } else {
            // Either an outage that lasts, or a mistake that no further attempt mends.
            event_at!(
                Level::ERROR,
                seconds,
                "the inbox has not been opened for {seconds} s: {why}"
            );
        }
    }

    fn opened(&self, failed_for: Duration) {
        let seconds = failed_for.as_secs();
        event_at!(
            Level::INFO,
            seconds,
            "the inbox is open, {seconds} s after the first attempt that has failed"
        );
    }

    fn left_open(&self, claims: usize) {
        event_at!(
            Level::WARN,
            claims,
            "the worker has stopped, and {claims} claims that the engine did not settle end by \
             themselves"
        );
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        summarize(self.0.rest());
    }
}

/// Emits how many events were suppressed in 10 seconds that have ended.
fn summarize(suppressed: Vec<Suppressed<Kind>>) {
    for Suppressed { kind, count } in suppressed {
        let Kind { level, what } = kind;
        let seconds = WINDOW.as_secs();
        event_at!(
            level,
            what,
            suppressed = count,
            "{count} more events of this kind within {seconds} s"
        );
    }
}
