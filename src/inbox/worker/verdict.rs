//! What the answer of the service means for its entry.

use std::time::Duration;

use http::{Response, StatusCode, header};

use super::backoff;
use crate::{
    inbox::{DeadCause, EntryKey, Settlement},
    report::{Outcome, one_line},
};

/// After this time since its first failure, an entry that fails again is dead.
pub(super) const EXPIRES_AFTER: Duration = Duration::from_secs(72 * 60 * 60);

/// How long an entry is put off by a `429` that does not say it, and at most.
const PUT_OFF_FOR: Duration = Duration::from_secs(30);
const LONGEST_PUT_OFF: Duration = Duration::from_secs(24 * 60 * 60);

/// What is known of the entry when its handler has answered.
pub(super) struct Tried {
    pub(super) key: EntryKey,
    /// Before this answer.
    pub(super) failures: u32,
    pub(super) failing_for: Duration,
}

/// The settlement for an answer that the [`AcknowledgeLayer`](crate::AcknowledgeLayer) has made.
pub(super) fn of<B>(answer: &Response<B>, tried: &Tried) -> Settlement {
    let outcome = answer.extensions().get();
    match outcome {
        // Whatever the status: it would be the same each time, and the attempt that decides about
        // it is Nylas', which is over.
        Some(outcome @ (Outcome::Malformed { .. } | Outcome::Unread { .. })) => Settlement::Dead {
            cause: DeadCause::Malformed,
            why: one_line(outcome),
        },
        _ if answer.status().is_success() => Settlement::Done,
        _ if answer.status() == StatusCode::TOO_MANY_REQUESTS => Settlement::Retry {
            after: wait(answer, outcome).min(LONGEST_PUT_OFF),
            failed: false,
            why: outcome.map(one_line).unwrap_or_default(),
        },
        _ => failed(
            outcome.map_or_else(|| answer.status().to_string(), one_line),
            tried,
        ),
    }
}

/// The settlement of a failure. Only here, after an answer, does an entry expire: one that was not
/// tried for days because nothing ran has a try left.
pub(super) fn failed(why: String, tried: &Tried) -> Settlement {
    if tried.failures > 0 && tried.failing_for >= EXPIRES_AFTER {
        return Settlement::Dead {
            cause: DeadCause::Expired,
            why,
        };
    }
    Settlement::Retry {
        after: backoff::after_failure(tried.key, tried.failures.saturating_add(1)),
        failed: true,
        why,
    }
}

fn wait<B>(answer: &Response<B>, outcome: Option<&Outcome>) -> Duration {
    if let Some(Outcome::RetryAfter(wait)) = outcome {
        return *wait;
    }
    // A date is not read: what it is relative to is another machine's clock.
    let seconds = answer.headers().get(header::RETRY_AFTER);
    let seconds = seconds.and_then(|value| value.to_str().ok()?.parse().ok());
    seconds.map_or(PUT_OFF_FOR, Duration::from_secs)
}
