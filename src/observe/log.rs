//! What the feature `tracing` tells. The guide in `mod.rs` lists it.

use std::{
    fmt::{self, Display, Write},
    time::{Duration, Instant},
};

use tracing::{Level, Span, debug, event, field, info_span};

use super::{
    facts::{End, Facts},
    flood::{Flood, KeptBack, WINDOW},
    labels,
};
use crate::{MismatchHint, Outcome, Rejection, notification::Head, one_line::Line, report::Report};

const TARGET: &str = "tower_nylas";

/// How many events of one kind are told in each window: of requests that anybody can send, and of
/// verified notifications that were not taken.
const OF_ANYBODY: u32 = 10;
const OF_NYLAS: u32 = 100;

/// How many characters of a trigger's name or an id are shown, and how many of a whole text.
const NAME: usize = 128;
const TEXT: usize = 512;

/// The level of an event must be known when the program is built.
macro_rules! event_at {
    ($level:expr, $($rest:tt)+) => {
        match $level {
            Level::WARN => event!(target: TARGET, Level::WARN, $($rest)+),
            Level::INFO => event!(target: TARGET, Level::INFO, $($rest)+),
            _ => event!(target: TARGET, Level::DEBUG, $($rest)+),
        }
    };
}

/// The part of the log that all requests of one layer share.
pub(super) struct Log {
    flood: Flood<What>,
}

/// What an event tells of.
#[derive(Clone, Copy, PartialEq)]
struct What {
    level: Level,
    subject: Subject,
}

#[derive(Clone, Copy, PartialEq)]
enum Subject {
    Reason(&'static str),
    Outcome(&'static str),
}

impl Log {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            flood: Flood::new(now),
        }
    }

    pub(super) fn rejected(&self, now: Instant, reason: &'static str, rejection: &Rejection) {
        let what = What {
            level: level_of_rejection(rejection),
            subject: Subject::Reason(reason),
        };
        if self.admits(what, OF_ANYBODY, now) {
            let status = rejection.status().as_u16();
            let report = Report::Rejected(rejection);
            event_at!(what.level, reason, status, "{}", UpTo(TEXT, report));
        }
    }

    pub(super) fn aborted(&self, now: Instant) {
        let reason = labels::ABORTED;
        let what = What {
            level: Level::DEBUG,
            subject: Subject::Reason(reason),
        };
        if self.admits(what, OF_ANYBODY, now) {
            event_at!(
                what.level,
                reason,
                "the client went away before the request was verified"
            );
        }
    }

    pub(super) fn test_event(&self, now: Instant, outcome: &'static str, how: &Outcome) {
        let what = What {
            level: Level::INFO,
            subject: Subject::Outcome(outcome),
        };
        if self.admits(what, OF_ANYBODY, now) {
            event_at!(what.level, outcome, "{}", Report::Acknowledged(how));
        }
    }

    /// Tells what was kept back in a window that has ended.
    pub(super) fn tell_kept_back(&self, now: Instant) {
        tell_kept_back(self.flood.overdue(now));
    }

    fn admits(&self, what: What, limit: u32, now: Instant) -> bool {
        let (admitted, before) = self.flood.admit(what, limit, now);
        // The lock is free again: what listens to events is not ours.
        tell_kept_back(before);
        admitted
    }
}

pub(super) fn challenged() {
    debug!(target: TARGET, "{}", Report::Challenged);
}

impl Drop for Log {
    fn drop(&mut self) {
        tell_kept_back(self.flood.rest());
    }
}

fn tell_kept_back(kept_back: Vec<KeptBack<What>>) {
    for KeptBack { kind, count } in kept_back {
        let seconds = WINDOW.as_secs();
        match kind.subject {
            Subject::Reason(reason) => event_at!(
                kind.level,
                reason,
                kept_back = count,
                "{count} more requests rejected for this reason within {seconds} s"
            ),
            Subject::Outcome(outcome) => event_at!(
                kind.level,
                outcome,
                kept_back = count,
                "{count} more notifications with this outcome within {seconds} s"
            ),
        }
    }
}

/// A warning where a genuine notification may be concerned, or the operator can do something.
fn level_of_rejection(rejection: &Rejection) -> Level {
    match rejection {
        // Whoever scans the net for open doors does this.
        Rejection::Method
        | Rejection::ChallengeTooLong(_)
        | Rejection::SignatureMissing
        | Rejection::TenantUnknown
        | Rejection::SignatureMismatch(Some(MismatchHint::TestEvent)) => Level::INFO,
        Rejection::SignatureRepeated
        | Rejection::SignatureMalformed(_)
        | Rejection::LookupFailed(_)
        | Rejection::SecretPending
        | Rejection::BudgetExhausted
        | Rejection::BodyTooLarge(_)
        | Rejection::ReadTimeout
        | Rejection::Transport
        | Rejection::SignatureMismatch(_)
        | Rejection::RotationExpected => Level::WARN,
    }
}

/// The level of the last event of a notification, and how many of its kind are told.
fn level_of_outcome(outcome: &Outcome) -> (Level, Option<u32>) {
    match outcome {
        // Whoever wants to see each of them has asked for it.
        Outcome::Done | Outcome::Discarded => (Level::DEBUG, None),
        Outcome::Retry | Outcome::RetryAfter(_) => (Level::INFO, Some(OF_NYLAS)),
        Outcome::TestEvent => (Level::INFO, Some(OF_ANYBODY)),
        Outcome::Unrouted(_) | Outcome::Malformed(_) => (Level::WARN, Some(OF_ANYBODY)),
        Outcome::Failed(_)
        | Outcome::Panicked
        | Outcome::TimedOut(_)
        | Outcome::Status(_)
        | Outcome::Undecodable(_) => (Level::WARN, Some(OF_NYLAS)),
    }
}

/// Whether anybody reads what is told of notifications.
pub(super) fn is_read() -> bool {
    tracing::enabled!(target: TARGET, Level::WARN)
}

/// A verified notification.
pub(super) struct Told {
    span: Span,
    trigger: Option<String>,
    id: Option<String>,
    attempt: Option<i64>,
}

impl Told {
    pub(super) fn begin(facts: &Facts<'_>) -> Self {
        let head = facts.head.as_ref().filter(|_| is_read());
        let trigger = head.and_then(Head::trigger).map(name);
        let id = head.and_then(|head| head.id.as_deref()).map(name);
        let attempt = head.and_then(|head| head.attempt);
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
        Self {
            span,
            trigger,
            id,
            attempt,
        }
    }

    pub(super) fn span(&self) -> &Span {
        &self.span
    }

    pub(super) fn end(&self, log: &Log, now: Instant, end: &End<'_>) {
        let outcome = end.label;
        let handle_ms = millis(end.handling);
        let status = end.answer.map(|(status, _)| status);
        let (level, limit) = match end.answer {
            Some((_, outcome)) => level_of_outcome(outcome),
            None => (Level::WARN, Some(OF_NYLAS)),
        };
        self.span.record("outcome", outcome);
        self.span.record("handle_ms", handle_ms);
        if let Some(status) = status {
            self.span.record("status", status);
        }
        if level == Level::WARN && status != Some(200) {
            self.span.record("otel.status_code", "ERROR");
        }
        let subject = Subject::Outcome(outcome);
        if limit.is_some_and(|limit| !log.admits(What { level, subject }, limit, now)) {
            return;
        }
        let text = end.answer.map(|(_, how)| Report::Acknowledged(how));
        // The event says by itself which notification it is: a filter may have taken the span away.
        self.span.in_scope(|| {
            event_at!(
                level,
                outcome,
                status,
                trigger = self.trigger.as_deref(),
                notification_id = self.id.as_deref(),
                attempt = self.attempt,
                handle_ms,
                "{}",
                UpTo(TEXT, Ending(text)),
            );
        });
    }
}

/// What the last event of a notification says.
struct Ending<'a>(Option<Report<'a>>);

impl Display for Ending<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(report) => report.fmt(f),
            None => f.write_str("the client went away before the notification was answered"),
        }
    }
}

/// The beginning of a text, in one line.
struct UpTo<T>(usize, T);

impl<T: Display> Display for UpTo<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Line::up_to(f, self.0), "{}", self.1)
    }
}

/// A name or an id, as far as it is shown.
fn name(text: &str) -> String {
    UpTo(NAME, text).to_string()
}

/// In thousandths, so that a reader is spared the rest.
#[allow(clippy::cast_precision_loss)] // 2^53 microseconds are 285 years
fn millis(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1e3
}
