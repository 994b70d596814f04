//! The words for what happened: few, and none of them from the request.

use crate::{Outcome, Rejection};

/// The client went away before the request was verified.
pub(super) const ABORTED: &str = "aborted";

/// The client went away before the notification was answered.
pub(super) const DROPPED: &str = "dropped";

pub(super) fn reason(rejection: &Rejection) -> &'static str {
    match rejection {
        Rejection::Method => "method",
        Rejection::ChallengeTooLong(_) => "challenge_too_long",
        Rejection::SignatureMissing => "signature_missing",
        Rejection::SignatureRepeated => "signature_repeated",
        Rejection::SignatureMalformed(_) => "signature_malformed",
        Rejection::TenantUnknown => "tenant_unknown",
        Rejection::LookupFailed(_) => "lookup_failed",
        Rejection::SecretPending => "secret_pending",
        Rejection::BudgetExhausted => "budget_exhausted",
        Rejection::BodyTooLarge(_) => "body_too_large",
        Rejection::ReadTimeout => "read_timeout",
        Rejection::Transport => "transport",
        Rejection::SignatureMismatch(_) => "signature_mismatch",
        Rejection::RotationExpected => "rotation_expected",
    }
}

pub(super) fn outcome(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "done",
        Outcome::Discarded => "discarded",
        Outcome::Unrouted(_) => "unrouted",
        Outcome::Malformed(_) => "malformed",
        Outcome::TestEvent => "test_event",
        Outcome::Retry => "retry",
        Outcome::RetryAfter(_) => "retry_after",
        Outcome::Failed(_) => "failed",
        Outcome::Panicked => "panicked",
        Outcome::TimedOut(_) => "timed_out",
        Outcome::Status(_) => "status",
        Outcome::Undecodable(_) => "undecodable",
    }
}
