//! Where the sources about Nylas contradict each other: which of them is simulated.

use http::StatusCode;

use crate::testing::nylas::{answer, request};

/// What the simulator takes for true where Nylas' documentation leaves a choice.
///
/// The defaults are the worse ones for a receiver, where it is clear which those are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readings {
    pub(super) retried: Retried,
    pub(super) retry_secret: RetrySecret,
    pub(super) truncated_body: TruncatedBody,
    pub(super) attempts: Attempts,
    pub(super) max_payload: usize,
    pub(super) payload_size: PayloadSize,
    pub(super) fan_out: bool,
    pub(super) failing_recovers: bool,
    pub(super) least_attempts: u64,
    pub(super) pause_word: &'static str,
}

/// Which answers Nylas sends a notification again after. No answer is always among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retried {
    /// After 408, 429, 502, 503, 504 and 507
    /// ([source](https://developer.nylas.com/docs/v3/notifications/)).
    Listed,
    /// After 408, 429, 502 and 503, as Nylas' document for `AsyncAPI` says.
    ShortList,
    /// After any but 200, as the first sentence of the documentation of retries says.
    AnyButOk,
}

/// How many attempts Nylas makes to deliver a notification, and in which time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Attempts {
    /// Three in all, the last one 10 to 20 minutes after the first
    /// ([source](https://developer.nylas.com/docs/v3/notifications/)).
    Three,
    /// Six in all: five retries, of which at least four come within 20 minutes and all within one
    /// hour, as an older page says.
    Six,
}

impl Attempts {
    /// How many there are in all.
    pub fn count(self) -> u32 {
        match self {
            Self::Three => request::ATTEMPTS,
            Self::Six => 6,
        }
    }
}

/// Which bytes of a notification count for the limit above which it is truncated. That is not
/// documented. Without gzip, both are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PayloadSize {
    /// Those of the JSON.
    BeforeGzip,
    /// Those that are sent. What is truncated for one destination may be whole for another, which
    /// has [`compressed_delivery`](super::NewDestination::compressed_delivery).
    AfterGzip,
}

/// What repetitions are signed with once the secret was rotated. That is not documented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RetrySecret {
    /// With the secret of the moment.
    New,
    /// With that of the first attempt.
    Old,
}

/// What is in the place of a message's body that was taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TruncatedBody {
    /// An empty text, as in a captured notification
    /// ([source](https://github.com/nylas/nylas-python/issues/384)).
    Empty,
    /// Nothing, as documented.
    Absent,
}

impl Readings {
    /// Which answers are followed by a repetition; by default [`Retried::Listed`].
    #[must_use]
    pub fn retried(mut self, retried: Retried) -> Self {
        self.retried = retried;
        self
    }

    /// What repetitions are signed with after a rotation; by default [`RetrySecret::New`].
    #[must_use]
    pub fn retry_secret(mut self, secret: RetrySecret) -> Self {
        self.retry_secret = secret;
        self
    }

    /// What is left of the body of a truncated message; by default [`TruncatedBody::Empty`].
    #[must_use]
    pub fn truncated_body(mut self, body: TruncatedBody) -> Self {
        self.truncated_body = body;
        self
    }

    /// How many attempts are made; by default [`Attempts::Three`].
    #[must_use]
    pub fn attempts(mut self, attempts: Attempts) -> Self {
        self.attempts = attempts;
        self
    }

    /// Which bytes count for [`max_payload`](Self::max_payload); by default
    /// [`PayloadSize::BeforeGzip`].
    #[must_use]
    pub fn payload_size(mut self, size: PayloadSize) -> Self {
        self.payload_size = size;
        self
    }

    /// How many bytes a `message.*` notification may have before it is truncated; by default
    /// 1 MiB. The documentation says 1 MB, and not of which kind.
    #[must_use]
    pub fn max_payload(mut self, bytes: usize) -> Self {
        self.max_payload = bytes;
        self
    }

    /// Whether a notification that one destination did not accept is sent again to all that it was
    /// sent to; by default `true`.
    ///
    /// The API reference has a note about it
    /// ([source](https://developer.nylas.com/docs/reference/api/webhook-notifications/)), and no
    /// other page. A receiver that bears it bears the other reading as well.
    #[must_use]
    pub fn fan_out(mut self, is_on: bool) -> Self {
        self.fan_out = is_on;
        self
    }

    /// Whether a destination that is `failing` becomes active by itself once enough is accepted; by
    /// default `true`. The documentation only says that nobody reactivates one that has `failed`.
    #[must_use]
    pub fn failing_recovers(mut self, is_on: bool) -> Self {
        self.failing_recovers = is_on;
        self
    }

    /// How many attempts must be in the 15 minutes or 72 hours of the rules of 95 %; by default 20,
    /// a number of ours: the documentation has none.
    #[must_use]
    pub fn least_attempts(mut self, attempts: u64) -> Self {
        self.least_attempts = attempts;
        self
    }

    /// What a paused destination's status is called; by default `pause`, as in the API reference.
    /// Other pages have `paused` and `inactive`.
    #[must_use]
    pub fn pause_word(mut self, word: &'static str) -> Self {
        self.pause_word = word;
        self
    }
}

impl Default for Readings {
    fn default() -> Self {
        Self {
            retried: Retried::Listed,
            retry_secret: RetrySecret::New,
            truncated_body: TruncatedBody::Empty,
            attempts: Attempts::Three,
            max_payload: 1 << 20,
            payload_size: PayloadSize::BeforeGzip,
            fan_out: true,
            failing_recovers: true,
            least_attempts: 20,
            pause_word: "pause",
        }
    }
}

impl Retried {
    /// Whether a notification is sent again after an answer with this status.
    pub fn is_repeated(self, status: StatusCode) -> bool {
        match self {
            Self::Listed => answer::is_repeated(status),
            Self::ShortList => matches!(status.as_u16(), 408 | 429 | 502 | 503),
            Self::AnyButOk => status != StatusCode::OK,
        }
    }
}
