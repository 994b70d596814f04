//! The labels of reasons and outcomes: a fixed set, none of them from a request.

use crate::report::{CodingFault, MismatchHint, Outcome, Rejection, Report, Resolution};

/// Declares an enumeration of labels, with their number and their texts.
macro_rules! labels {
    ($(#[$meta:meta])* enum $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum $name {
            $($(#[$variant_meta])* $variant,)+
        }

        impl $name {
            #[cfg(feature = "metrics")]
            pub(super) const COUNT: usize = [$(Self::$variant,)+].len();

            pub(super) fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }
    };
}

labels! {
    /// Why a request was answered without having been verified.
    enum ReasonLabel {
        Method = "method",
        ChallengeTooLong = "challenge_too_long",
        TimerMissing = "timer_missing",
        SignatureMissing = "signature_missing",
        SignatureRepeated = "signature_repeated",
        SignatureMalformed = "signature_malformed",
        TenantUnknown = "tenant_unknown",
        LookupFailed = "lookup_failed",
        SecretPending = "secret_pending",
        BudgetExhausted = "budget_exhausted",
        BodyTooLarge = "body_too_large",
        ReadTimeout = "read_timeout",
        Transport = "transport",
        SignatureMismatch = "signature_mismatch",
        SecretUnproven = "secret_unproven",
        RotationExpected = "rotation_expected",
        /// The client disconnected before the request was verified.
        Aborted = "aborted",
    }
}

labels! {
    /// What became of a notification.
    enum OutcomeLabel {
        Done = "done",
        Discarded = "discarded",
        GivenUp = "given_up",
        Unrouted = "unrouted",
        Unread = "unread",
        Malformed = "malformed",
        TestEvent = "test_event",
        Stored = "stored",
        Duplicate = "duplicate",
        Unremembered = "unremembered",
        InProgress = "in_progress",
        Unlabelled = "unlabelled",
        Unfetched = "unfetched",
        Unfetchable = "unfetchable",
        Retry = "retry",
        RetryAfter = "retry_after",
        Failed = "failed",
        Panicked = "panicked",
        TimedOut = "timed_out",
        Status = "status",
        Undecodable = "undecodable",
        /// The client disconnected before the notification was answered.
        Dropped = "dropped",
    }
}

labels! {
    /// Why a signature did not match its body, as far as that can be told.
    enum HintLabel {
        None = "none",
        LengthChanged = "length_changed",
        Empty = "empty",
        ReadAsText = "read_as_text",
        Base64 = "base64",
        Inflated = "inflated",
        EncodingLost = "encoding_lost",
        FramingLost = "framing_lost",
        TestEvent = "test_event",
    }
}

impl HintLabel {
    /// `None` if it was not refused for its signature.
    pub(super) fn of(rejection: &Rejection) -> Option<Self> {
        let hint = match rejection {
            Rejection::SignatureMismatch(hint)
            | Rejection::SecretUnproven(hint)
            | Rejection::MismatchRetried(hint) => hint,
            Rejection::RotationExpected => &None,
            _ => return None,
        };
        Some(match hint {
            None => Self::None,
            Some(MismatchHint::LengthChanged { .. }) => Self::LengthChanged,
            Some(MismatchHint::Empty) => Self::Empty,
            Some(MismatchHint::ReadAsText) => Self::ReadAsText,
            Some(MismatchHint::Base64) => Self::Base64,
            Some(MismatchHint::Inflated) => Self::Inflated,
            Some(MismatchHint::EncodingLost) => Self::EncodingLost,
            Some(MismatchHint::FramingLost) => Self::FramingLost,
            Some(MismatchHint::TestEvent) => Self::TestEvent,
        })
    }
}

labels! {
    /// How a body differed from what it should have been, although it could be decoded.
    enum FaultLabel {
        Mislabelled = "mislabelled",
        TrailingBytes = "trailing_bytes",
    }
}

impl FaultLabel {
    /// The labels of a fault; both may hold.
    pub(super) fn of(fault: CodingFault) -> impl Iterator<Item = Self> {
        let mislabelled = fault.is_mislabelled.then_some(Self::Mislabelled);
        let trailing_bytes = (fault.ignored > 0).then_some(Self::TrailingBytes);
        mislabelled.into_iter().chain(trailing_bytes)
    }
}

impl From<&Rejection> for ReasonLabel {
    fn from(rejection: &Rejection) -> Self {
        match rejection {
            Rejection::Method => Self::Method,
            Rejection::ChallengeTooLong(_) => Self::ChallengeTooLong,
            Rejection::TimerMissing => Self::TimerMissing,
            Rejection::SignatureMissing => Self::SignatureMissing,
            Rejection::SignatureRepeated => Self::SignatureRepeated,
            Rejection::SignatureMalformed(_) => Self::SignatureMalformed,
            Rejection::TenantUnknown => Self::TenantUnknown,
            Rejection::LookupFailed(_) => Self::LookupFailed,
            Rejection::SecretPending => Self::SecretPending,
            Rejection::BudgetExhausted => Self::BudgetExhausted,
            Rejection::BodyTooLarge(_) => Self::BodyTooLarge,
            Rejection::ReadTimeout => Self::ReadTimeout,
            Rejection::Transport => Self::Transport,
            Rejection::SignatureMismatch(_) | Rejection::MismatchRetried(_) => {
                Self::SignatureMismatch
            }
            Rejection::SecretUnproven(_) => Self::SecretUnproven,
            Rejection::RotationExpected => Self::RotationExpected,
        }
    }
}

impl From<&Outcome> for OutcomeLabel {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::Done,
            Outcome::Discarded => Self::Discarded,
            Outcome::GivenUp(_) => Self::GivenUp,
            Outcome::Unrouted(_) => Self::Unrouted,
            Outcome::Unread { .. } => Self::Unread,
            Outcome::Malformed { .. } => Self::Malformed,
            Outcome::TestEvent => Self::TestEvent,
            Outcome::Stored => Self::Stored,
            Outcome::Duplicate => Self::Duplicate,
            Outcome::Unremembered(_) => Self::Unremembered,
            Outcome::InProgress => Self::InProgress,
            Outcome::Unlabelled => Self::Unlabelled,
            Outcome::Unfetched { .. } => Self::Unfetched,
            Outcome::Unfetchable(_) => Self::Unfetchable,
            Outcome::Retry => Self::Retry,
            Outcome::RetryAfter(_) => Self::RetryAfter,
            Outcome::Failed(_) => Self::Failed,
            Outcome::Panicked(_) => Self::Panicked,
            Outcome::TimedOut(_) => Self::TimedOut,
            Outcome::Status(_) => Self::Status,
            Outcome::Undecodable(_) => Self::Undecodable,
        }
    }
}

impl From<&Report<'_>> for OutcomeLabel {
    /// Of what was verified.
    fn from(report: &Report<'_>) -> Self {
        match report.resolution() {
            Resolution::Acknowledged(outcome) => Self::from(outcome),
            Resolution::Disconnected => Self::Dropped,
            // What was verified is never answered so.
            Resolution::Challenged | Resolution::Rejected(_) => Self::Done,
        }
    }
}
