//! Why a challenge has failed.

use std::fmt;

use http::StatusCode;

use super::NoAnswer;

/// Why Nylas would refuse an endpoint.
#[derive(Debug)]
#[non_exhaustive]
pub enum ChallengeError {
    /// The answer is not `200`.
    Status(StatusCode),
    /// The body is not exactly the challenge.
    Value,
    /// The body has no known length, so it is sent in chunks.
    Chunked,
    /// There was no answer, or not all of it within 10 seconds.
    NoAnswer(NoAnswer),
}

impl From<NoAnswer> for ChallengeError {
    fn from(why: NoAnswer) -> Self {
        Self::NoAnswer(why)
    }
}

impl fmt::Display for ChallengeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "the challenge was answered with {status}, not 200"),
            Self::Value => f.write_str("the answer is not exactly the challenge"),
            Self::Chunked => f.write_str("the answer has no length, so it is sent in chunks"),
            Self::NoAnswer(why) => why.fmt(f),
        }
    }
}

impl std::error::Error for ChallengeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NoAnswer(why) => why.source(),
            _ => None,
        }
    }
}
