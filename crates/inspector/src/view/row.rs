//! An entry, as lists show it.

use serde::{Deserialize, Serialize};
use tower_nylas::inbox::{Entry, EntryState, StoredEntry};

use crate::{settings::Settings, time::rfc3339};

/// The largest content of which lists read the subject.
const LARGEST_READ: usize = 256 << 10;

/// The longest subject that is shown, in characters.
const LONGEST_SUBJECT: usize = 160;

#[derive(Debug, Clone, Serialize)]
pub(crate) struct EntryRow {
    pub(crate) key: String,
    pub(crate) position: u64,
    pub(crate) state: &'static str,
    pub(crate) cause: Option<&'static str>,
    /// `None` also if the entry cannot be read.
    pub(crate) trigger: Option<String>,
    pub(crate) grant_id: Option<String>,
    pub(crate) destination: Option<String>,
    pub(crate) received_at: Option<String>,
    #[serde(skip)]
    pub(crate) received: Option<std::time::Duration>,
    pub(crate) size: Option<usize>,
    pub(crate) crashes: u32,
    pub(crate) failures: u32,
    pub(crate) why: String,
    /// Only if bodies are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
}

pub(crate) fn row(settings: &Settings, stored: &StoredEntry) -> EntryRow {
    let entry = stored.entry.as_ref();
    let (state, cause) = match stored.state {
        EntryState::Ready => ("ready", None),
        EntryState::Waiting => ("waiting", None),
        EntryState::Claimed => ("claimed", None),
        EntryState::Done => ("done", None),
        EntryState::Dead(cause) => ("dead", Some(cause.as_str())),
        _ => ("unknown", None),
    };
    let received = entry.map(Entry::received_at);
    let content = entry.map(Entry::content);
    let shown = content.filter(|content| settings.shows_bodies && content.len() <= LARGEST_READ);
    EntryRow {
        key: stored.key.to_string(),
        position: stored.position,
        state,
        cause,
        trigger: entry.and_then(|entry| Some(entry.trigger()?.to_string())),
        grant_id: entry.and_then(|entry| entry.grant_id().map(str::to_owned)),
        destination: entry.map(|entry| entry.verified_by().to_owned()),
        received_at: received.map(rfc3339),
        received,
        size: content.map(bytes::Bytes::len),
        crashes: stored.crashes,
        failures: stored.failures,
        why: stored.why.clone(),
        subject: shown.and_then(|content| subject(content)),
    }
}

/// What a mail, an event or a folder is called.
fn subject(content: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Notification {
        data: Data,
    }
    #[derive(Deserialize)]
    struct Data {
        object: Object,
    }
    #[derive(Deserialize)]
    struct Object {
        subject: Option<serde_json::Value>,
        title: Option<serde_json::Value>,
        name: Option<serde_json::Value>,
    }
    let Object {
        subject,
        title,
        name,
    } = serde_json::from_slice::<Notification>(content)
        .ok()?
        .data
        .object;
    let found = [subject, title, name].into_iter().flatten();
    let text = found.into_iter().find_map(|value| match value {
        serde_json::Value::String(text) if !text.is_empty() => Some(text),
        _ => None,
    })?;
    Some(text.chars().take(LONGEST_SUBJECT).collect())
}
