//! What the feature `metrics` counts and measures of a worker.

use std::{
    fmt::Display,
    time::{Duration, Instant},
};

use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

use super::witness::Witness;
use crate::inbox::{EntryKey, Settlement, Stats};

const CLAIMED: &str = "nylas_inbox_claimed_total";
const SETTLED: &str = "nylas_inbox_settled_total";
const LEASES_LOST: &str = "nylas_inbox_leases_lost_total";
const ENGINE_FAILURES: &str = "nylas_inbox_engine_failures_total";
const SPILLED: &str = "nylas_inbox_spilled_total";
const LAG_SECONDS: &str = "nylas_inbox_lag_seconds";
const ENTRIES: &str = "nylas_inbox_entries";
const BYTES: &str = "nylas_inbox_bytes";
const OLDEST_READY_SECONDS: &str = "nylas_inbox_oldest_ready_seconds";

/// Registers the unit and a description of each metric of workers and `Enqueue` with the recorder.
/// Call it once, after the recorder is installed; without it the values are the same.
pub fn describe_metrics() {
    for (name, text) in [
        (CLAIMED, "Entries that were claimed, by what came before"),
        (SETTLED, "Entries that were settled, by settlement"),
        (
            LEASES_LOST,
            "Settlements whose claim was not there: replaced by another one, or settled before",
        ),
        (ENGINE_FAILURES, "Calls of the engine that failed, by call"),
        (
            SPILLED,
            "Entries that the other inbox has stored, since the first one did not",
        ),
    ] {
        describe_counter!(name, Unit::Count, text);
    }
    describe_histogram!(LAG_SECONDS, Unit::Seconds, "From received until handled");
    describe_gauge!(ENTRIES, Unit::Count, "Entries in the inbox, by state");
    describe_gauge!(BYTES, Unit::Bytes, "What the entries in the inbox take");
    describe_gauge!(
        OLDEST_READY_SECONDS,
        Unit::Seconds,
        "How long the entry has been due that has been due for longest"
    );
}

/// Counts and measures, by the recorder in force. What a worker does costs calls of its engine, so
/// no handles are kept.
pub(in crate::inbox) struct Metrics;

impl Witness for Metrics {
    fn new(_now: Instant) -> Self {
        Self
    }

    fn claimed(&self, _key: EntryKey, crashes: u32, failures: u32, _now: Instant) {
        let after = match (crashes, failures) {
            (0, 0) => "nothing",
            (0, _) => "failure",
            _ => "crash",
        };
        counter!(CLAIMED, "after" => after).increment(1);
    }

    fn settled(&self, _key: EntryKey, settlement: &Settlement, _now: Instant) {
        counter!(SETTLED, "settlement" => settlement.name()).increment(1);
    }

    fn done(&self, lag: Duration) {
        histogram!(LAG_SECONDS).record(lag.as_secs_f64());
    }

    fn lease_lost(&self, _key: EntryKey, _now: Instant) {
        counter!(LEASES_LOST).increment(1);
    }

    fn engine_failed(&self, call: &'static str, _why: &dyn Display, _now: Instant) {
        counter!(ENGINE_FAILURES, "call" => call).increment(1);
    }

    fn spilled(&self, _key: EntryKey, _why: &dyn Display, _now: Instant) {
        counter!(SPILLED).increment(1);
    }

    #[allow(clippy::cast_precision_loss)] // no inbox has 2^53 entries or bytes
    fn stats(&self, stats: &Stats) {
        for (state, count) in [
            ("ready", stats.ready),
            ("waiting", stats.waiting),
            ("claimed", stats.claimed),
            ("dead", stats.dead),
            ("done", stats.done),
        ] {
            gauge!(ENTRIES, "state" => state).set(count as f64);
        }
        gauge!(BYTES).set(stats.bytes as f64);
        let oldest = stats.oldest_ready.unwrap_or_default();
        gauge!(OLDEST_READY_SECONDS).set(oldest.as_secs_f64());
    }
}
