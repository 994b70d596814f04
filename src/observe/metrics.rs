//! What the feature `metrics` counts and measures. The guide in `mod.rs` lists it.

use std::{
    sync::{Arc, LazyLock},
    time::Instant,
};

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram, gauge};

use super::{
    facts::{End, Facts, Identity},
    handles::{Labels, is_read, record},
    labels::{FaultLabel, HintLabel, OutcomeLabel, ReasonLabel},
    series::{Answer, Attempt, Series},
    witness::{Reads, Witness},
};
use crate::report::{Destinations, Report, Resolution};

pub(super) const RECEIVED: &str = "nylas_webhook_received_total";
pub(super) const CHALLENGES: &str = "nylas_webhook_challenges_total";
pub(super) const REJECTED: &str = "nylas_webhook_rejected_total";
pub(super) const MISMATCHES: &str = "nylas_webhook_mismatches_total";
pub(super) const VERIFIED: &str = "nylas_webhook_verified_total";
pub(super) const OUTCOMES: &str = "nylas_webhook_outcomes_total";
pub(super) const ANSWERS: &str = "nylas_webhook_answers_total";
pub(super) const LOST: &str = "nylas_webhook_lost_total";
pub(super) const LAST_VERIFIED: &str = "nylas_webhook_last_verified_timestamp_seconds";
pub(super) const CODING_FAULTS: &str = "nylas_webhook_coding_faults_total";
pub(super) const BODY_BYTES: &str = "nylas_webhook_body_bytes";
pub(super) const READ_SECONDS: &str = "nylas_webhook_read_seconds";
pub(super) const HANDLE_SECONDS: &str = "nylas_webhook_handle_seconds";
pub(super) const DURATION_SECONDS: &str = "nylas_webhook_duration_seconds";
pub(super) const AGE_SECONDS: &str = "nylas_webhook_age_seconds";
const BUFFERED_BYTES: &str = "nylas_webhook_buffered_bytes";

/// Boundaries of buckets that suit each histogram, in its unit: seconds up to the 10 that Nylas
/// waits, ages up to the time of its last attempt and beyond, bytes up to the default limit.
///
/// ```
/// # #[cfg(feature = "metrics")] {
/// use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
/// use tower_nylas::observe;
///
/// let mut prometheus = PrometheusBuilder::new();
/// for (name, boundaries) in observe::BUCKETS {
///     prometheus = prometheus.set_buckets_for_metric(Matcher::Full(name.to_owned()), boundaries)?;
/// }
/// # let _ = prometheus.build_recorder();
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub const BUCKETS: [(&str, &[f64]); 5] = [
    (READ_SECONDS, &SECONDS),
    (HANDLE_SECONDS, &SECONDS),
    (DURATION_SECONDS, &SECONDS),
    (
        AGE_SECONDS,
        &[1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 1200.0, 3600.0],
    ),
    (
        BODY_BYTES,
        &[1e3, 2e3, 5e3, 1e4, 3e4, 1e5, 3e5, 1e6, 2e6, 4e6],
    ),
];

const SECONDS: [f64; 13] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0, 6.0, 10.0,
];

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
            MISMATCHES,
            "Refused requests whose signature did not match the body, by probable cause",
        ),
        (
            VERIFIED,
            "Notifications that were verified, by destination, trigger and attempt",
        ),
        (
            OUTCOMES,
            "What became of notifications, by outcome, destination and trigger",
        ),
        (
            ANSWERS,
            "Answers to verified notifications, by destination and status",
        ),
        (
            LOST,
            "Notifications that are lost, by destination and trigger",
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
        LAST_VERIFIED,
        Unit::Seconds,
        "When a notification was last verified, since the Unix epoch"
    );
    describe_gauge!(
        BUFFERED_BYTES,
        Unit::Bytes,
        "What unverified bodies hold while they wait for more"
    );
}

/// Those whose secrets have verified a notification in this process.
pub(super) static DESTINATIONS: LazyLock<Destinations> = LazyLock::new(Destinations::default);

/// Counts and measures, by the recorder in force.
#[derive(Debug, Clone)]
pub(crate) struct Metrics;

impl Witness for Metrics {
    /// `None` without a recorder.
    type Delivery = Option<Labels>;
    type Entered<'a> = ();

    fn new(_now: Instant) -> Self {
        Self
    }

    fn enter(_labels: &Self::Delivery) {}

    fn reads(&self) -> Reads {
        Reads::all_if(is_read())
    }

    fn received(&self, now: Instant) {
        record(now, |handles| {
            handles.received();
        });
    }

    fn unverified(&self, report: &Report<'_>, now: Instant) {
        record(now, |handles| match report.resolution() {
            Resolution::Challenged => handles.challenges(),
            Resolution::Rejected(rejection) => {
                handles.rejected(rejection.into());
                if let Some(hint) = HintLabel::of(rejection) {
                    handles.mismatches(hint);
                }
            }
            Resolution::Acknowledged(_) => handles.test_events(),
            Resolution::Disconnected => handles.rejected(ReasonLabel::Aborted),
        });
    }

    fn verified(
        &self,
        destination: &Arc<str>,
        facts: Option<&Facts<'_>>,
        _identity: Option<&Identity>,
    ) -> Self::Delivery {
        let facts = facts.filter(|_| is_read())?;
        let labels = Labels {
            destination: DESTINATIONS.of(destination),
            trigger: Series::of(facts.head),
        };
        record(facts.now, |handles| {
            handles.verified(labels, Attempt::of(facts.attempt));
            handles.last_verified(facts.unix_time);
            handles.body_bytes(facts.on_the_wire);
            handles.read_seconds(facts.reading);
            for fault in facts.fault.into_iter().flat_map(FaultLabel::of) {
                handles.coding_faults(fault);
            }
            if let Some(age) = facts.age() {
                handles.age_seconds(age);
            }
        });
        Some(labels)
    }

    fn ended(&self, labels: &Self::Delivery, end: &End<'_>) {
        let Some(labels) = labels else { return };
        let report = &end.report;
        record(end.now, |handles| {
            handles.handle_seconds(labels.trigger, end.handling);
            handles.duration_seconds(report.duration());
            handles.outcomes(*labels, OutcomeLabel::from(report));
            handles.answers(*labels, Answer::of(report));
            if report.is_lost() {
                handles.lost(*labels);
            }
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
