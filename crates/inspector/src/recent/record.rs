//! What is kept of one request.

use std::time::Duration;

use tower_nylas::{Outcome, Report, Resolution, inbox::EntryKey, notification::NotificationKey};

/// How much is kept of a text, in characters: an application's error can be long.
const LONGEST: usize = 512;

/// How much is kept of a name or an id, which is part of a body.
const LONGEST_NAME: usize = 128;

#[derive(Debug, Clone)]
pub(crate) struct Record {
    /// Later ones have higher ones.
    pub(crate) number: u64,
    /// Since the Unix epoch.
    pub(crate) at: Duration,
    pub(crate) kind: Kind,
    pub(crate) status: Option<u16>,
    pub(crate) took: Duration,
    pub(crate) destination: Option<String>,
    pub(crate) trigger: Option<String>,
    pub(crate) notification_id: Option<String>,
    pub(crate) attempt: Option<u32>,
    pub(crate) is_lost: bool,
    pub(crate) text: String,
    /// Of its entry, if it was stored in an inbox.
    pub(crate) key: Option<EntryKey>,
}

/// What became of a request, as far as pages tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Challenge,
    Refused,
    /// Answered `200`.
    Accepted,
    /// Answered with another status, or not at all.
    Failed,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] =
        [Self::Accepted, Self::Failed, Self::Refused, Self::Challenge];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Challenge => "challenge",
            Self::Refused => "refused",
            Self::Accepted => "accepted",
            Self::Failed => "failed",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl Record {
    pub(super) fn new(report: &Report<'_>, at: Duration) -> Self {
        let status = report.status().map(|status| status.as_u16());
        let (kind, text) = match report.resolution() {
            Resolution::Challenged => (Kind::Challenge, "challenge answered".to_owned()),
            Resolution::Rejected(why) => (Kind::Refused, why.to_string()),
            Resolution::Acknowledged(outcome) => {
                let kind = match status {
                    Some(200) => Kind::Accepted,
                    _ => Kind::Failed,
                };
                (kind, outcome.to_string())
            }
            _ if report.is_verified() => (Kind::Failed, "the client disconnected".to_owned()),
            _ => (
                Kind::Refused,
                "the client disconnected before the request was verified".to_owned(),
            ),
        };
        let kind = match report.resolution() {
            // Anybody can sign one.
            Resolution::Acknowledged(Outcome::TestEvent) => Kind::Refused,
            _ => kind,
        };
        let key = match (report.destination(), report.notification_id()) {
            (Some(label), Some(id)) => Some(NotificationKey::new(label, id).into()),
            _ => None,
        };
        let name = |name: Option<&str>| name.map(|name| up_to(LONGEST_NAME, name));
        Self {
            number: 0,
            at,
            kind,
            status,
            took: report.duration(),
            destination: name(report.destination()),
            trigger: name(report.trigger()),
            notification_id: name(report.notification_id()),
            attempt: report.attempt(),
            is_lost: report.is_lost(),
            text: up_to(LONGEST, &text),
            key,
        }
    }
}

impl Record {
    /// Whether it is of the notification with this id, of which only the beginning may be kept.
    pub(crate) fn is_of(&self, id: &str) -> bool {
        let kept = self.notification_id.as_deref();
        kept.is_some_and(|kept| kept == up_to(LONGEST_NAME, id))
    }
}

/// The first characters of a text.
fn up_to(most: usize, text: &str) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
