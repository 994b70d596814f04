//! How bad it is.

use std::fmt;

use serde::Serialize;

/// How bad it is, from good to bad. Of several findings the worst one counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Nothing is wrong, as far as can be told.
    #[default]
    Ok,
    /// Somebody should look during the day.
    Notice,
    /// Notifications are lost, or will be if this goes on.
    Warning,
    /// Nylas is about to call the destination failing, or does.
    Error,
    /// Nylas calls it failing or failed, or nothing it sends is accepted.
    Critical,
}

impl Level {
    /// From good to bad.
    pub const ALL: [Self; 5] = [
        Self::Ok,
        Self::Notice,
        Self::Warning,
        Self::Error,
        Self::Critical,
    ];

    /// `ok`, `notice`, `warning`, `error` or `critical`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
