//! What the feature `metrics` shows. The guide in `mod.rs` lists it.

use std::collections::HashMap;

use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

use super::{Cause, DestinationHealth, Share, Status};

const LEVEL: &str = "nylas_webhook_health_level";
const FAILURE_RATIO: &str = "nylas_webhook_health_failure_ratio";
/// All destinations beyond the first 100, and those of which nothing was ever verified.
const OTHER: &str = "other";
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

/// `has_others` says whether there ever was a destination without series of its own. What is shown
/// of these is written anew each time, since they go, and some get their own.
pub(super) fn evaluated(status: &Status, has_others: bool) {
    let mut levels = HashMap::new();
    if has_others {
        levels.extend(Cause::OF_DESTINATION.map(|cause| ((OTHER, cause), 0)));
    }
    for health in &status.destinations {
        // A stranger can choose the tenants that he raises a finding of.
        let label = if health.is_told_apart {
            &health.destination
        } else {
            OTHER
        };
        for cause in Cause::OF_DESTINATION {
            let mut findings = health.findings.iter();
            let found = findings.find(|finding| finding.cause == cause);
            let level = found.map_or(0, |finding| finding.level as u8);
            let worst = levels.entry((label, cause)).or_insert(0);
            *worst = level.max(*worst);
        }
        if health.is_told_apart {
            ratios(health);
        }
    }
    for ((label, cause), level) in levels {
        let labels = [
            ("destination", label.to_owned()),
            ("cause", cause.as_str().to_owned()),
        ];
        gauge!(LEVEL, &labels).set(level);
    }
}

fn ratios(health: &DestinationHealth) {
    for (window, share) in [
        ("5m", health.five_minutes),
        ("15m", health.fifteen_minutes),
        ("72h", health.three_days),
    ] {
        let ratio = Share::ratio(&share).unwrap_or(0.0);
        let labels = [
            ("destination", health.destination.clone()),
            ("window", window.to_owned()),
        ];
        gauge!(FAILURE_RATIO, &labels).set(ratio);
    }
}
