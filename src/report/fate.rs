//! What becomes of a notification after its answer.

use http::StatusCode;

use super::{Outcome, Report, Resolution};

/// How many attempts to deliver a notification Nylas makes, the first included
/// ([source](https://developer.nylas.com/docs/v3/notifications/)).
pub(crate) const ATTEMPTS: u32 = 3;

/// What Nylas does after an answer, or after none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// The notification is never sent again.
    Acknowledged,
    /// It is sent again.
    Repeated,
    /// It is sent again unless this was the last attempt, which is not known.
    PerhapsRepeated,
    /// The application's own `4xx`, which Nylas is not documented to repeat.
    PassedOn,
    /// It is never sent again, and nothing has taken it.
    Lost,
}

impl Fate {
    pub(super) fn of(report: &Report<'_>) -> Self {
        if let Resolution::Acknowledged(Outcome::Unread { is_lost: true, .. }) = report.resolution {
            return Self::Lost;
        }
        let is_repeated = match report.status {
            Some(StatusCode::OK) => return Self::Acknowledged,
            Some(status) => status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS,
            // To Nylas that is a timeout.
            None => true,
        };
        match report.attempt {
            Some(ATTEMPTS..) => Self::Lost,
            _ if !is_repeated => Self::PassedOn,
            Some(_) => Self::Repeated,
            None => Self::PerhapsRepeated,
        }
    }
}
