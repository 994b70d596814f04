//! What the feature `metrics` shows. The guide in `mod.rs` lists it.

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

use super::{Cause, DestinationHealth, Share, Status, changes::Change};

const LEVEL: &str = "nylas_webhook_health_level";
const FAILURE_RATIO: &str = "nylas_webhook_health_failure_ratio";
const UNEXPECTED_CHALLENGES: &str = "nylas_webhook_health_unexpected_challenges_total";

/// Registers the unit and a description of each metric of health with the recorder. Call it once,
/// after the recorder is installed; without it the values are the same.
pub fn describe_metrics() {
    describe_gauge!(
        LEVEL,
        Unit::Count,
        "From 0 (ok) to 4 (critical), by destination and cause"
    );
    describe_gauge!(
        FAILURE_RATIO,
        Unit::Count,
        "Share of genuine notifications that were not answered 200, by destination and window"
    );
    describe_counter!(
        UNEXPECTED_CHALLENGES,
        Unit::Count,
        "Challenges that were answered and nobody has asked for"
    );
}

pub(super) fn unexpected_challenge() {
    counter!(UNEXPECTED_CHALLENGES).increment(1);
}

pub(super) fn evaluated(status: &Status, changes: &[Change]) {
    for destination in &status.destinations {
        of_destination(destination);
    }
    // Also of those that are not in the status any more.
    for change in changes {
        if let Some(destination) = &change.destination {
            set_level(destination, change.cause, change.to as u8);
        }
    }
}

fn of_destination(health: &DestinationHealth) {
    let label = &health.destination;
    for cause in Cause::OF_DESTINATION {
        let mut findings = health.findings.iter();
        let found = findings.find(|finding| finding.cause == cause);
        set_level(label, cause, found.map_or(0, |finding| finding.level as u8));
    }
    for (window, share) in [
        ("5m", health.five_minutes),
        ("15m", health.fifteen_minutes),
        ("72h", health.three_days),
    ] {
        let ratio = Share::ratio(&share).unwrap_or(0.0);
        let labels = [
            ("destination", label.clone()),
            ("window", window.to_owned()),
        ];
        gauge!(FAILURE_RATIO, &labels).set(ratio);
    }
}

fn set_level(destination: &str, cause: Cause, level: u8) {
    let labels = [
        ("destination", destination.to_owned()),
        ("cause", cause.as_str().to_owned()),
    ];
    gauge!(LEVEL, &labels).set(level);
}
