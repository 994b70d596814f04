//! One entry, with everything that is known of it.

mod pretty;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tower_nylas::{
    BoxError,
    inbox::{Entry, EntryKey, EntryState, Happened, Settlement, TimelineEvent},
};

use self::pretty::{Pretty, pretty};
use super::{DeliveryRow, EntryRow, delivery, row};
use crate::{
    settings::Settings,
    source::{Source, find, has_ended},
    time::rfc3339,
};

/// How much of a notification's id is shown, in characters: it is part of the content.
const LONGEST_ID: usize = 256;

/// How many deliveries are shown.
const MOST_DELIVERIES: usize = 20;

#[derive(Debug, Serialize)]
pub(crate) struct Detail {
    pub(crate) entry: EntryRow,
    /// The `id` in the notification.
    pub(crate) notification_id: Option<String>,
    /// What usually helps.
    pub(crate) advice: Option<&'static str>,
    /// `None` if the engine keeps none.
    pub(crate) timeline: Option<Vec<Event>>,
    pub(crate) deliveries: Vec<DeliveryRow>,
    pub(crate) can_replay: bool,
    pub(crate) can_discard: bool,
    /// Only if bodies are shown.
    pub(crate) body: Option<Pretty>,
}

/// What has happened to an entry.
#[derive(Debug, Serialize)]
pub(crate) struct Event {
    pub(crate) at: String,
    #[serde(skip)]
    pub(crate) since_epoch: Duration,
    pub(crate) what: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) why: String,
    /// When it comes again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) again_after_seconds: Option<u64>,
}

pub(super) async fn gather(
    settings: &Settings,
    source: &dyn Source,
    key: EntryKey,
) -> Result<Option<Detail>, BoxError> {
    let Some(stored) = find(source, key).await? else {
        return Ok(None);
    };
    let timeline = match source.search() {
        Some(search) => Some(search.timeline(key).await?.iter().map(event).collect()),
        None => None,
    };
    let records = settings
        .recent
        .iter()
        .flat_map(|recent| recent.list(MOST_DELIVERIES, |record| record.key == Some(key)));
    let content = stored.entry.as_ref().map(Entry::content);
    Ok(Some(Detail {
        notification_id: content.and_then(|content| id(content)),
        advice: advice(stored.state),
        timeline,
        deliveries: records.map(|record| delivery(settings, &record)).collect(),
        can_replay: has_ended(stored.state),
        can_discard: matches!(stored.state, EntryState::Dead(_)),
        body: content
            .filter(|_| settings.shows_bodies)
            .map(|content| pretty(content)),
        entry: row(settings, &stored),
    }))
}

fn id(content: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Head {
        id: Option<String>,
    }
    let id = serde_json::from_slice::<Head>(content).ok()?.id?;
    Some(id.chars().take(LONGEST_ID).collect())
}

fn advice(state: EntryState) -> Option<&'static str> {
    use tower_nylas::inbox::DeadCause;

    Some(match state {
        EntryState::Dead(DeadCause::Malformed) => {
            "No handler can read it. Add or mend the handler of its trigger, deploy, and replay it."
        }
        EntryState::Dead(DeadCause::Expired) => {
            "Its handler has failed for 72 hours. Mend what the reason says, and replay it."
        }
        EntryState::Dead(DeadCause::Exhausted) => {
            "It was tried as often as is allowed. Mend what the reason says, and replay it."
        }
        EntryState::Dead(DeadCause::Crashed) => {
            "The process has died five times while it was handled: out of memory, an abort, a stack \
             overflow? Mend that before it is replayed."
        }
        EntryState::Dead(DeadCause::Undecodable) => {
            "What is stored cannot be read, so that a replay does not help."
        }
        EntryState::Waiting => "It comes again by itself.",
        EntryState::Claimed => {
            "A worker has it. If that has died, it comes again when its lease ends."
        }
        EntryState::Ready => "The next worker that has room handles it.",
        _ => return None,
    })
}

fn event(event: &TimelineEvent) -> Event {
    let (what, why, again_after_seconds) = match &event.what {
        Happened::Stored => ("stored", "", None),
        Happened::Claimed => ("claimed", "", None),
        Happened::Crashed => ("crashed", "a claim ended without a settlement", None),
        Happened::Replayed => ("replayed", "", None),
        Happened::Settled(Settlement::Done) => ("done", "", None),
        Happened::Settled(Settlement::Retry { after, failed, why }) => {
            let what = if *failed { "failed" } else { "put off" };
            (what, &**why, Some(after.as_secs()))
        }
        Happened::Settled(Settlement::Dead { why, .. }) => ("dead", &**why, None),
        _ => ("something else", "", None),
    };
    Event {
        at: rfc3339(event.at),
        since_epoch: event.at,
        what,
        why: why.to_owned(),
        again_after_seconds,
    }
}
