//! What is wrong.

use std::fmt;

use serde::Serialize;

use super::Level;

/// What can be wrong with a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// Too many genuine notifications are not answered `200`.
    Failures,
    /// A notification has failed at its third attempt, or was read by nothing.
    Lost,
    /// Signatures do not match, and none has matched since the start.
    Mismatches,
    /// Signed requests arrive, and there is no secret.
    SecretPending,
    /// Nothing was verified for much longer than usual.
    Quiet,
    /// Nylas itself says so.
    Status,
    /// A challenge was answered that nobody has asked for.
    Challenge,
}

impl Cause {
    /// Those that a destination can have; a challenge names none.
    #[cfg(feature = "metrics")]
    pub(super) const OF_DESTINATION: [Self; 6] = [
        Self::Failures,
        Self::Lost,
        Self::Mismatches,
        Self::SecretPending,
        Self::Quiet,
        Self::Status,
    ];

    /// The name in snake case, as in the label `cause` of the metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failures => "failures",
            Self::Lost => "lost",
            Self::Mismatches => "mismatches",
            Self::SecretPending => "secret_pending",
            Self::Quiet => "quiet",
            Self::Status => "status",
            Self::Challenge => "challenge",
        }
    }
}

/// One thing that is wrong. [`Display`](fmt::Display) says what, with figures, in one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// What is wrong.
    pub cause: Cause,
    /// How bad it is; never [`Level::Ok`].
    pub level: Level,
    /// With figures.
    pub text: String,
}

impl Finding {
    pub(super) fn new(cause: Cause, level: Level, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { cause, level, text }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The worst one.
pub(super) fn worst<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Level {
    let levels = findings.into_iter().map(|finding| finding.level);
    levels.max().unwrap_or_default()
}
