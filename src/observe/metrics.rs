//! What the feature `metrics` counts and measures. The guide in `mod.rs` lists it.

use std::time::Instant;

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram, gauge};

use super::{
    facts::{End, Facts},
    handles::{is_read, record},
    labels::{FaultLabel, ReasonLabel},
    series::{Attempt, Series},
    witness::Witness,
};
use crate::report::Report;

pub(super) const RECEIVED: &str = "nylas_webhook_received_total";
pub(super) const CHALLENGES: &str = "nylas_webhook_challenges_total";
pub(super) const REJECTED: &str = "nylas_webhook_rejected_total";
pub(super) const VERIFIED: &str = "nylas_webhook_verified_total";
pub(super) const OUTCOMES: &str = "nylas_webhook_outcomes_total";
pub(super) const CODING_FAULTS: &str = "nylas_webhook_coding_faults_total";
pub(super) const BODY_BYTES: &str = "nylas_webhook_body_bytes";
pub(super) const READ_SECONDS: &str = "nylas_webhook_read_seconds";
pub(super) const HANDLE_SECONDS: &str = "nylas_webhook_handle_seconds";
pub(super) const DURATION_SECONDS: &str = "nylas_webhook_duration_seconds";
pub(super) const AGE_SECONDS: &str = "nylas_webhook_age_seconds";
const BUFFERED_BYTES: &str = "nylas_webhook_buffered_bytes";

/// Registers the unit and a description of each metric with the recorder. Call it once, after the
/// recorder is installed; without it the values are the same.
pub fn describe_metrics() {
    for (name, text) in [
        (RECEIVED, "Requests that arrived, of any kind"),
        (CHALLENGES, "Challenges that were answered"),
        (
            REJECTED,
            "Requests that were refused before verification, by reason",
        ),
        (
            VERIFIED,
            "Notifications that were verified, by trigger and attempt",
        ),
        (
            OUTCOMES,
            "What became of notifications, by outcome and trigger",
        ),
        (
            CODING_FAULTS,
            "Notifications whose body was not as it was labelled, by fault",
        ),
    ] {
        describe_counter!(name, Unit::Count, text);
    }
    for (name, unit, text) in [
        (
            BODY_BYTES,
            Unit::Bytes,
            "Size on the wire of verified notifications",
        ),
        (
            READ_SECONDS,
            Unit::Seconds,
            "From arrival until verified and inflated",
        ),
        (
            HANDLE_SECONDS,
            Unit::Seconds,
            "From verified and inflated until answered, by trigger",
        ),
        (
            DURATION_SECONDS,
            Unit::Seconds,
            "From arrival until answered",
        ),
        (
            AGE_SECONDS,
            Unit::Seconds,
            "From the time in the notification until verified",
        ),
    ] {
        describe_histogram!(name, unit, text);
    }
    describe_gauge!(
        BUFFERED_BYTES,
        Unit::Bytes,
        "What unverified bodies hold while they wait for more"
    );
}

/// Counts and measures, by the recorder in force.
#[derive(Debug, Clone)]
pub(crate) struct Metrics;

impl Witness for Metrics {
    type Delivery = Series;
    type Entered<'a> = ();

    fn new(_now: Instant) -> Self {
        Self
    }

    fn enter(_series: &Series) {}

    fn is_read(&self) -> bool {
        is_read()
    }

    fn received(&self, now: Instant) {
        record(now, |handles| {
            handles.received();
        });
    }

    fn answered(&self, report: Report<'_>, now: Instant) {
        record(now, |handles| match report {
            Report::Challenged => handles.challenges(),
            Report::Rejected(rejection) => handles.rejected(rejection.into()),
            // A test event. Anybody can sign one, so none of its content is used.
            Report::Acknowledged(outcome) => handles.outcomes(outcome.into(), Series::NONE),
        });
    }

    fn aborted(&self, now: Instant) {
        record(now, |handles| handles.rejected(ReasonLabel::Aborted));
    }

    fn verified(&self, facts: &Facts<'_>) -> Series {
        let head = facts.head;
        let series = Series::of(head);
        record(facts.now, |handles| {
            handles.verified(series, Attempt::of(head));
            handles.body_bytes(facts.on_the_wire);
            handles.read_seconds(facts.reading);
            for fault in facts.fault.into_iter().flat_map(FaultLabel::of) {
                handles.coding_faults(fault);
            }
            if let Some(age) = facts.age() {
                handles.age_seconds(age);
            }
        });
        series
    }

    fn ended(&self, series: &Series, end: &End<'_>) {
        record(end.now, |handles| {
            handles.handle_seconds(*series, end.handling);
            handles.duration_seconds(end.total);
            handles.outcomes(end.into(), *series);
        });
    }

    /// Without a kept handle, since only bodies that have to wait are counted.
    #[allow(clippy::cast_precision_loss)] // no body has 2^53 bytes
    fn buffered(bytes: isize) {
        if is_read() {
            gauge!(BUFFERED_BYTES).increment(bytes as f64);
        }
    }
}
