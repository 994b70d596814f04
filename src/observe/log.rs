//! What the feature `tracing` emits. The guide in `mod.rs` lists it.

use std::{
    fmt::{self, Display},
    sync::Arc,
    time::{Duration, Instant},
};

use tracing::{Level, Span, debug, event, field, info_span, span::Entered};

use super::{
    facts::{End, Facts},
    flood::{Flood, Suppressed, WINDOW},
    labels::{FaultLabel, OutcomeLabel, ReasonLabel},
    witness::Witness,
};
use crate::{
    notification::Head,
    report::{CodingFault, MismatchHint, Outcome, Rejection, Report, UpTo, one_line},
};

pub(crate) const TARGET: &str = "tower_nylas";

/// How many events are emitted in each window of each reason, each fault, and of test events and
/// notifications without a route or a fitting body.
const FEW: u32 = 10;

/// How many events are emitted in each window of every other outcome.
const MANY: u32 = 100;

/// How many characters are shown of a trigger's name or an id.
pub(crate) const NAME_LENGTH: usize = 128;

/// `event!` needs its level at compile time.
macro_rules! event_at {
    ($level:expr, $($rest:tt)+) => {
        match $level {
            Level::ERROR => event!(target: TARGET, Level::ERROR, $($rest)+),
            Level::WARN => event!(target: TARGET, Level::WARN, $($rest)+),
            Level::INFO => event!(target: TARGET, Level::INFO, $($rest)+),
            _ => event!(target: TARGET, Level::DEBUG, $($rest)+),
        }
    };
}

#[cfg(feature = "inbox")]
pub(crate) use event_at;

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

/// A verified notification.
pub(crate) struct Delivery {
    span: Span,
    trigger: Option<String>,
    id: Option<String>,
    attempt: Option<i64>,
}

impl Log {
    fn rejected(&self, rejection: &Rejection, now: Instant) {
        let reason = ReasonLabel::from(rejection);
        let kind = Kind {
            level: level_of_rejection(rejection),
            subject: Subject::Reason(reason),
        };
        if self.admits(kind, FEW, now) {
            let (reason, status) = (reason.as_str(), rejection.status().as_u16());
            let report = Report::Rejected(rejection);
            event_at!(kind.level, reason, status, "{}", one_line(report));
        }
    }

    /// Anybody can sign a test event, so none of its content is shown.
    fn test_event(&self, outcome: &Outcome, now: Instant) {
        let label = OutcomeLabel::from(outcome);
        let kind = Kind {
            level: Level::INFO,
            subject: Subject::Outcome(label),
        };
        if self.admits(kind, FEW, now) {
            let report = Report::Acknowledged(outcome);
            event_at!(kind.level, outcome = label.as_str(), "{report}");
        }
    }

    /// One event, also if two things are wrong.
    fn coding_fault(&self, fault: CodingFault, delivery: &Delivery, now: Instant) {
        let Some(label) = FaultLabel::of(fault).next() else {
            return;
        };
        let kind = Kind {
            level: Level::WARN,
            subject: Subject::Fault(label),
        };
        if self.admits(kind, FEW, now) {
            delivery.span.in_scope(|| {
                event_at!(
                    kind.level,
                    fault = label.as_str(),
                    trigger = delivery.trigger.as_deref(),
                    notification_id = delivery.id.as_deref(),
                    attempt = delivery.attempt,
                    "{fault}"
                );
            });
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
    type Delivery = Delivery;
    type Entered<'a> = Entered<'a>;

    fn new(now: Instant) -> Self {
        Self(Arc::new(Limits {
            flood: Flood::new(now),
        }))
    }

    fn is_read(&self) -> bool {
        tracing::enabled!(target: TARGET, Level::WARN)
    }

    /// No task waits for the end of a window, so the next request emits its summaries.
    fn received(&self, now: Instant) {
        summarize(self.0.flood.overdue(now));
    }

    fn answered(&self, report: Report<'_>, now: Instant) {
        match report {
            Report::Challenged => debug!(target: TARGET, "{report}"),
            Report::Rejected(rejection) => self.rejected(rejection, now),
            Report::Acknowledged(outcome) => self.test_event(outcome, now),
        }
    }

    fn aborted(&self, now: Instant) {
        let reason = ReasonLabel::Aborted;
        let kind = Kind {
            level: Level::DEBUG,
            subject: Subject::Reason(reason),
        };
        if self.admits(kind, FEW, now) {
            event_at!(
                kind.level,
                reason = reason.as_str(),
                "the client disconnected before the request was verified"
            );
        }
    }

    fn verified(&self, facts: &Facts<'_>) -> Delivery {
        if !self.is_read() {
            return Delivery {
                span: Span::none(),
                trigger: None,
                id: None,
                attempt: None,
            };
        }
        let head = facts.head;
        let trigger = head.and_then(Head::trigger).map(name);
        let id = head.and_then(Head::id).map(|id| name(&id));
        let attempt = head.and_then(Head::attempt);
        let span = info_span!(
            target: TARGET,
            "delivery",
            trigger = trigger.as_deref(),
            notification_id = id.as_deref(),
            attempt,
            bytes = facts.on_the_wire,
            age_ms = facts.age().map(millis),
            read_ms = millis(facts.reading),
            handle_ms = field::Empty,
            outcome = field::Empty,
            status = field::Empty,
            otel.status_code = field::Empty,
        );
        let delivery = Delivery {
            span,
            trigger,
            id,
            attempt,
        };
        if let Some(fault) = facts.fault {
            self.coding_fault(fault, &delivery, facts.now);
        }
        delivery
    }

    fn enter(delivery: &Delivery) -> Entered<'_> {
        delivery.span.enter()
    }

    fn ended(&self, delivery: &Delivery, end: &End<'_>) {
        let Delivery {
            span,
            trigger,
            id,
            attempt,
        } = delivery;
        let label = OutcomeLabel::from(end);
        let outcome = label.as_str();
        let handle_ms = millis(end.handling);
        let status = end.answer.map(|(status, _)| status);
        let (level, limit) = match end.answer {
            Some((_, Report::Acknowledged(outcome))) => level_of_outcome(outcome),
            _ => (Level::WARN, Some(MANY)),
        };
        span.record("outcome", outcome);
        span.record("handle_ms", handle_ms);
        if let Some(status) = status {
            span.record("status", status);
        }
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
        let report = end.answer.map(|(_, report)| report);
        // The event identifies the notification itself: a filter may have disabled the span.
        span.in_scope(|| {
            event_at!(
                level,
                outcome,
                status,
                trigger = trigger.as_deref(),
                notification_id = id.as_deref(),
                attempt,
                handle_ms,
                "{}",
                one_line(Ending(report)),
            );
        });
    }
}

impl Drop for Limits {
    fn drop(&mut self) {
        summarize(self.flood.rest());
    }
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
fn level_of_outcome(outcome: &Outcome) -> (Level, Option<u32>) {
    match outcome {
        // Not limited: `DEBUG` is enabled to see each of them.
        Outcome::Done | Outcome::Discarded | Outcome::Stored | Outcome::Duplicate => {
            (Level::DEBUG, None)
        }
        Outcome::InProgress | Outcome::Retry | Outcome::RetryAfter(_) => (Level::INFO, Some(MANY)),
        Outcome::TestEvent => (Level::INFO, Some(FEW)),
        Outcome::Unread { is_lost: true, .. } => (Level::ERROR, Some(MANY)),
        // Every notification of all tenants, until the program is mended.
        Outcome::Unlabelled => (Level::ERROR, Some(FEW)),
        Outcome::Unrouted(_) | Outcome::Unread { .. } | Outcome::Malformed { .. } => {
            (Level::WARN, Some(FEW))
        }
        Outcome::GivenUp(_)
        | Outcome::Unremembered(_)
        | Outcome::Failed(_)
        | Outcome::Panicked
        | Outcome::TimedOut(_)
        | Outcome::Status(_)
        | Outcome::Undecodable(_) => (Level::WARN, Some(MANY)),
    }
}

/// What the last event of a notification says.
struct Ending<'a>(Option<Report<'a>>);

impl Display for Ending<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(report) => report.fmt(f),
            None => f.write_str("the client disconnected before the notification was answered"),
        }
    }
}

/// A name or an id, as far as it is shown.
fn name(text: &str) -> String {
    UpTo(NAME_LENGTH, text).to_string()
}

/// Milliseconds with at most three decimals.
#[allow(clippy::cast_precision_loss)] // 2^53 microseconds are 285 years
fn millis(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1e3
}
