//! What the feature `tracing` emits. The guide in `mod.rs` lists it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tracing::{Level, Span, debug, field, info_span, span::Entered};

use super::{
    facts::{End, Facts, Identity},
    flood::{Flood, Suppressed, WINDOW},
    labels::{FaultLabel, HintLabel, OutcomeLabel, ReasonLabel},
    witness::{Reads, Witness},
};
use crate::report::{
    CodingFault, MismatchHint, Outcome, Rejection, Report, Resolution, TARGET, UpTo, event_at,
    one_line,
};

/// How many events are emitted in each window of each reason, each fault, and of test events and
/// notifications without a route or a fitting body.
const FEW: u32 = 10;

/// How many events are emitted in each window of every other outcome.
const MANY: u32 = 100;

/// Spans and events. Clones of a layer and its services share the limits.
#[derive(Clone)]
pub(crate) struct Log(Arc<Limits>);

struct Limits {
    flood: Flood<Kind>,
}

/// What an event is about.
#[derive(Clone, Copy, PartialEq)]
struct Kind {
    level: Level,
    subject: Subject,
}

#[derive(Clone, Copy, PartialEq)]
enum Subject {
    Reason(ReasonLabel),
    Outcome(OutcomeLabel),
    Fault(FaultLabel),
}

impl Log {
    fn rejected(&self, rejection: &Rejection, report: &Report<'_>, now: Instant) {
        let reason = ReasonLabel::from(rejection);
        let kind = Kind {
            level: level_of_rejection(rejection),
            subject: Subject::Reason(reason),
        };
        if self.admits(kind, FEW, now) {
            event_at!(
                kind.level,
                reason = reason.as_str(),
                status = status(report),
                destination = report.destination().map(name),
                hint = HintLabel::of(rejection).map(HintLabel::as_str),
                "{}",
                one_line(report.without_identity())
            );
        }
    }

    /// Anybody can sign a test event, so none of its content is shown.
    fn test_event(&self, outcome: &Outcome, report: &Report<'_>, now: Instant) {
        let label = OutcomeLabel::from(outcome);
        let kind = Kind {
            level: Level::INFO,
            subject: Subject::Outcome(label),
        };
        if self.admits(kind, FEW, now) {
            event_at!(
                kind.level,
                outcome = label.as_str(),
                status = status(report),
                destination = report.destination().map(name),
                "{}",
                report.without_identity()
            );
        }
    }

    fn aborted(&self, report: &Report<'_>, now: Instant) {
        let reason = ReasonLabel::Aborted;
        let kind = Kind {
            level: Level::DEBUG,
            subject: Subject::Reason(reason),
        };
        if self.admits(kind, FEW, now) {
            event_at!(kind.level, reason = reason.as_str(), "{report}");
        }
    }

    /// One event, also if two things are wrong.
    fn coding_fault(&self, fault: CodingFault, span: &Span, identity: &Identity, now: Instant) {
        let Some(label) = FaultLabel::of(fault).next() else {
            return;
        };
        let kind = Kind {
            level: Level::WARN,
            subject: Subject::Fault(label),
        };
        if !self.admits(kind, FEW, now) {
            return;
        }
        let label = label.as_str();
        if span.is_disabled() {
            event_at!(
                kind.level,
                fault = label,
                destination = name(&identity.destination),
                trigger = identity.trigger.as_deref().map(name),
                notification_id = identity.notification_id.as_deref().map(name),
                attempt = identity.attempt,
                "{fault}"
            );
        } else {
            span.in_scope(|| event_at!(kind.level, fault = label, "{fault}"));
        }
    }

    fn admits(&self, kind: Kind, limit: u32, now: Instant) -> bool {
        let (admitted, before) = self.0.flood.admit(kind, limit, now);
        // After the lock is released, since it calls the application's subscriber.
        summarize(before);
        admitted
    }
}

impl Witness for Log {
    /// `None` if nobody reads it.
    type Delivery = Option<Span>;
    type Entered<'a> = Option<Entered<'a>>;

    fn new(now: Instant) -> Self {
        Self(Arc::new(Limits {
            flood: Flood::new(now),
        }))
    }

    fn reads(&self) -> Reads {
        Reads::all_if(is_read())
    }

    fn reads_identity(&self) -> bool {
        is_read()
    }

    /// No task waits for the end of a window, so the next request emits its summaries.
    fn received(&self, now: Instant) {
        summarize(self.0.flood.overdue(now));
    }

    fn unverified(&self, report: &Report<'_>, now: Instant) {
        match report.resolution() {
            Resolution::Challenged => debug!(target: TARGET, "{report}"),
            Resolution::Rejected(rejection) => self.rejected(rejection, report, now),
            Resolution::Acknowledged(outcome) => self.test_event(outcome, report, now),
            Resolution::Disconnected => self.aborted(report, now),
        }
    }

    fn verified(
        &self,
        _destination: &Arc<str>,
        facts: Option<&Facts<'_>>,
        identity: Option<&Identity>,
    ) -> Option<Span> {
        let (facts, identity) = (facts?, identity?);
        if !is_read() {
            return None;
        }
        let span = info_span!(
            target: TARGET,
            "delivery",
            destination = name(&identity.destination),
            trigger = identity.trigger.as_deref().map(name),
            notification_id = identity.notification_id.as_deref().map(name),
            attempt = identity.attempt,
            bytes = facts.on_the_wire,
            age_ms = facts.age().map(millis),
            read_ms = millis(facts.reading),
            handle_ms = field::Empty,
            outcome = field::Empty,
            status = field::Empty,
            lost = field::Empty,
            otel.status_code = field::Empty,
        );
        if let Some(fault) = facts.fault {
            self.coding_fault(fault, &span, identity, facts.now);
        }
        Some(span)
    }

    fn enter(span: &Option<Span>) -> Option<Entered<'_>> {
        span.as_ref().map(Span::enter)
    }

    fn ended(&self, span: &Option<Span>, end: &End<'_>) {
        let Some(span) = span else { return };
        let report = &end.report;
        let label = OutcomeLabel::from(report);
        let outcome = label.as_str();
        let handle_ms = millis(end.handling);
        let status = status(report);
        let lost = report.is_lost().then_some(true);
        let (level, limit) = level_of(report);
        span.record("outcome", outcome);
        span.record("handle_ms", handle_ms);
        span.record("status", status);
        span.record("lost", lost);
        if level == Level::ERROR || level == Level::WARN && status != Some(200) {
            span.record("otel.status_code", "ERROR");
        }
        let kind = Kind {
            level,
            subject: Subject::Outcome(label),
        };
        if limit.is_some_and(|limit| !self.admits(kind, limit, end.now)) {
            return;
        }
        // A filter may have disabled the span; else the event is shown with its fields.
        if span.is_disabled() {
            event_at!(
                level,
                outcome,
                status,
                destination = report.destination().map(name),
                trigger = report.trigger().map(name),
                notification_id = report.notification_id().map(name),
                attempt = report.attempt(),
                handle_ms,
                lost,
                "{}",
                one_line(report.without_identity()),
            );
        } else {
            span.in_scope(|| event_at!(level, "{}", one_line(report.without_identity())));
        }
    }
}

impl Drop for Limits {
    fn drop(&mut self) {
        summarize(self.flood.rest());
    }
}

/// What is lost is an error, which even a filter that leaves nothing else lets through.
fn is_read() -> bool {
    tracing::enabled!(target: TARGET, Level::ERROR)
}

/// Emits how many events were suppressed in a window that has ended.
fn summarize(suppressed: Vec<Suppressed<Kind>>) {
    for Suppressed { kind, count } in suppressed {
        let seconds = WINDOW.as_secs();
        match kind.subject {
            Subject::Reason(reason) => event_at!(
                kind.level,
                reason = reason.as_str(),
                suppressed = count,
                "{count} more requests rejected for this reason within {seconds} s"
            ),
            Subject::Outcome(outcome) => event_at!(
                kind.level,
                outcome = outcome.as_str(),
                suppressed = count,
                "{count} more notifications with this outcome within {seconds} s"
            ),
            Subject::Fault(fault) => event_at!(
                kind.level,
                fault = fault.as_str(),
                suppressed = count,
                "{count} more notifications with this fault within {seconds} s"
            ),
        }
    }
}

/// A warning where a genuine notification may be concerned, or the operator can do something.
fn level_of_rejection(rejection: &Rejection) -> Level {
    match rejection {
        // Scanners of the internet cause these.
        Rejection::Method
        | Rejection::ChallengeTooLong(_)
        | Rejection::SignatureMissing
        | Rejection::SignatureMismatch(Some(MismatchHint::TestEvent)) => Level::INFO,
        Rejection::TimerMissing
        | Rejection::SignatureRepeated
        | Rejection::SignatureMalformed(_)
        | Rejection::TenantUnknown
        | Rejection::LookupFailed(_)
        | Rejection::SecretPending
        | Rejection::BudgetExhausted
        | Rejection::BodyTooLarge(_)
        | Rejection::ReadTimeout
        | Rejection::Transport
        | Rejection::SignatureMismatch(_)
        | Rejection::SecretUnproven(_)
        | Rejection::MismatchRetried(_)
        | Rejection::RotationExpected => Level::WARN,
    }
}

/// The level of the last event of a notification, and how many of its kind are emitted.
fn level_of(report: &Report<'_>) -> (Level, Option<u32>) {
    match report.resolution() {
        _ if report.is_lost() => (Level::ERROR, Some(MANY)),
        Resolution::Acknowledged(outcome) => level_of_outcome(outcome),
        _ => (Level::WARN, Some(MANY)),
    }
}

/// The same of one that is not lost.
fn level_of_outcome(outcome: &Outcome) -> (Level, Option<u32>) {
    match outcome {
        // Not limited: `DEBUG` is enabled to see each of them.
        Outcome::Done | Outcome::Discarded | Outcome::Stored | Outcome::Duplicate => {
            (Level::DEBUG, None)
        }
        Outcome::InProgress | Outcome::Retry | Outcome::RetryAfter(_) => (Level::INFO, Some(MANY)),
        Outcome::TestEvent => (Level::INFO, Some(FEW)),
        // Every notification of all tenants, and every truncated one, until the program or its API
        // key is mended.
        Outcome::Unlabelled | Outcome::Unfetchable(_) => (Level::ERROR, Some(FEW)),
        Outcome::Unrouted(_) | Outcome::Unread { .. } | Outcome::Malformed { .. } => {
            (Level::WARN, Some(FEW))
        }
        Outcome::GivenUp(_)
        | Outcome::Unfetched { .. }
        | Outcome::Unremembered(_)
        | Outcome::Failed(_)
        | Outcome::Panicked(_)
        | Outcome::TimedOut(_)
        | Outcome::Status(_)
        | Outcome::Undecodable(_) => (Level::WARN, Some(MANY)),
    }
}

/// A name or an id, as far as it is shown.
fn name(text: &str) -> String {
    UpTo::name(text).to_string()
}

fn status(report: &Report<'_>) -> Option<u16> {
    report.status().map(|status| status.as_u16())
}

/// Milliseconds with at most three decimals.
#[allow(clippy::cast_precision_loss)] // 2^53 microseconds are 285 years
fn millis(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1e3
}
