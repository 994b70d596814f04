//! What the feature `metrics` counts and measures. The guide in `mod.rs` lists it.

use std::borrow::Cow;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, histogram};

use super::facts::{End, Facts};
use crate::{
    notification::{Head, Kind},
    trigger::{Suffix, TriggerKind},
    verify::gauge::BUFFERED_BYTES,
};

const RECEIVED: &str = "nylas_webhook_received_total";
const CHALLENGES: &str = "nylas_webhook_challenges_total";
const REJECTED: &str = "nylas_webhook_rejected_total";
const VERIFIED: &str = "nylas_webhook_verified_total";
const OUTCOMES: &str = "nylas_webhook_outcomes_total";
const BODY_BYTES: &str = "nylas_webhook_body_bytes";
const READ_SECONDS: &str = "nylas_webhook_read_seconds";
const HANDLE_SECONDS: &str = "nylas_webhook_handle_seconds";
const DURATION_SECONDS: &str = "nylas_webhook_duration_seconds";
const AGE_SECONDS: &str = "nylas_webhook_age_seconds";

/// Gives the recorder the unit of each metric, and a text for whoever reads them. To be called
/// once, after the recorder was installed; without it the numbers are the same.
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
            "From there until answered, by trigger",
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

pub(super) fn received() {
    counter!(RECEIVED).increment(1);
}

pub(super) fn challenged() {
    counter!(CHALLENGES).increment(1);
}

pub(super) fn rejected(reason: &'static str) {
    counter!(REJECTED, "reason" => reason).increment(1);
}

pub(super) fn outcome(outcome: &'static str, trigger: Cow<'static, str>) {
    counter!(OUTCOMES, "outcome" => outcome, "trigger" => trigger).increment(1);
}

/// A verified notification.
pub(super) struct Metered {
    trigger: Cow<'static, str>,
}

impl Metered {
    #[allow(clippy::cast_precision_loss)] // no body has 2^53 bytes
    pub(super) fn begin(facts: &Facts<'_>) -> Self {
        let head = facts.head.as_ref();
        let trigger = trigger(head);
        let attempt = attempt(head);
        counter!(VERIFIED, "trigger" => trigger.clone(), "attempt" => attempt).increment(1);
        histogram!(BODY_BYTES).record(facts.on_the_wire as f64);
        histogram!(READ_SECONDS).record(facts.reading);
        if let Some(age) = facts.age() {
            histogram!(AGE_SECONDS).record(age);
        }
        Self { trigger }
    }

    pub(super) fn end(&mut self, end: &End<'_>) {
        let trigger = std::mem::take(&mut self.trigger);
        histogram!(HANDLE_SECONDS, "trigger" => trigger.clone()).record(end.handling);
        histogram!(DURATION_SECONDS).record(end.whole);
        outcome(end.label, trigger);
    }
}

/// A documented name with its suffixes; whatever else a body says is one of four words, so that
/// nobody can make a series for every request.
fn trigger(head: Option<&Head<'_>>) -> Cow<'static, str> {
    let name = match head.map(|head| &head.kind) {
        None => return "none".into(),
        Some(Kind::Deltas) => return "deltas".into(),
        Some(Kind::Malformed(_)) => return "malformed".into(),
        Some(Kind::Trigger(name)) => name,
    };
    let (stem, suffix) = Suffix::split(name);
    let mut known = TriggerKind::KNOWN.iter().map(TriggerKind::as_str);
    match known.find(|known| *known == stem) {
        Some(known) if suffix == Suffix::None => known.into(),
        Some(known) => Cow::Owned([known, suffix.as_str()].concat()),
        None => "unknown".into(),
    }
}

/// Nylas makes three.
fn attempt(head: Option<&Head<'_>>) -> &'static str {
    match head.and_then(|head| head.attempt) {
        None => "none",
        Some(1) => "1",
        Some(2) => "2",
        Some(3) => "3",
        Some(_) => "other",
    }
}
