//! Which entries an action is about.

use std::fmt;

use serde::Serialize;
use tower_nylas::{
    BoxError,
    inbox::{EntryKey, EntryState, StoredEntry},
};

use super::ActionKind;
use crate::{
    filter::{Filter, StateFilter},
    params::Params,
    source::{READ_AT_A_TIME, Source, find, has_ended, list},
};

/// How many are read at most, where fewer of them than were read are wanted.
const MOST_READ: usize = 20_000;

/// Entries by their keys, or all that a filter selects.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Selection {
    #[serde(serialize_with = "texts")]
    Keys(Vec<EntryKey>),
    Filter(Filter),
}

fn texts<S: serde::Serializer>(keys: &[EntryKey], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(keys.iter().map(ToString::to_string))
}

/// What a selection has found.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) entries: Vec<StoredEntry>,
    /// Keys, in the order of the entries, and more of them.
    pub(crate) keys: Vec<EntryKey>,
    /// Whether there are more than one action may be about.
    pub(crate) is_cut: bool,
    /// Below which position all of them are, so that what dies meanwhile is not among them.
    pub(crate) before: Option<u64>,
    /// The position of the last one.
    pub(crate) lowest: Option<u64>,
}

impl Selection {
    pub(crate) fn parse(params: &Params) -> Result<Self, String> {
        let (keys, invalid) = params.keys();
        if invalid > 0 {
            return Err("a key has 32 hex digits".to_owned());
        }
        if !keys.is_empty() {
            return Ok(Self::Keys(keys));
        }
        // A list shows everything then, and an action must not be about it.
        let selecting = ["state", "cause", "trigger", "no_trigger", "grant", "before"];
        if let Some(name) = selecting.into_iter().find(|name| params.is_blank(name)) {
            return Err(format!("{name} is empty"));
        }
        let mut filter = Filter::parse(params)?;
        match filter.state {
            None if params.has("state") => {
                return Err("only what is dead or done can be selected".to_owned());
            }
            None if filter == Filter::default() => {
                return Err("nothing is selected: give a key, or a state".to_owned());
            }
            None => filter.state = Some(StateFilter::Dead),
            Some(StateFilter::Dead | StateFilter::Done) => {}
            Some(_) => return Err("only what is dead or done can be selected".to_owned()),
        }
        Ok(Self::Filter(filter))
    }

    pub(crate) fn is_one(&self) -> bool {
        matches!(self, Self::Keys(keys) if keys.len() == 1)
    }

    /// Looks them up: up to `max` keys, and the first few entries.
    pub(crate) async fn find(
        &self,
        source: &dyn Source,
        action: ActionKind,
        max: usize,
        shown: usize,
    ) -> Result<Found, BoxError> {
        let mut found = Found::default();
        match self {
            Self::Keys(keys) => {
                for key in keys {
                    let Some(stored) = find(source, *key).await? else {
                        continue;
                    };
                    if !found.add(stored, action, max, shown) {
                        break;
                    }
                }
            }
            Self::Filter(filter) => {
                let mut query = filter.query(READ_AT_A_TIME);
                for _ in 0..MOST_READ / READ_AT_A_TIME {
                    let (page, next) = list(source, &query).await?;
                    for stored in page {
                        let has_trigger = || {
                            let entry = stored.entry.as_ref();
                            entry.is_some_and(|entry| entry.trigger().is_some())
                        };
                        if filter.no_trigger && has_trigger() {
                            continue;
                        }
                        if !found.add(stored, action, max, shown) {
                            return Ok(found);
                        }
                    }
                    query.before = next;
                    if next.is_none() {
                        return Ok(found);
                    }
                }
                found.is_cut = true;
            }
        }
        Ok(found)
    }
}

impl Found {
    /// Whether there is room for more.
    fn add(&mut self, stored: StoredEntry, action: ActionKind, max: usize, shown: usize) -> bool {
        let is_possible = match action {
            ActionKind::Discard => matches!(stored.state, EntryState::Dead(_)),
            ActionKind::Replay => has_ended(stored.state),
            // One that is claimed ends as its handler says.
            _ => stored.state != EntryState::Claimed,
        };
        if !is_possible {
            return true;
        }
        if self.keys.len() == max {
            self.is_cut = true;
            return false;
        }
        let after = stored.position.saturating_add(1);
        self.before = self.before.max(Some(after));
        let lowest = self.lowest.unwrap_or(u64::MAX);
        self.lowest = Some(lowest.min(stored.position));
        self.keys.push(stored.key);
        if self.entries.len() < shown {
            self.entries.push(stored);
        }
        true
    }
}

/// For the record of an action.
impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keys(keys) => {
                f.write_str("entries")?;
                for key in keys.iter().take(20) {
                    write!(f, " {key}")?;
                }
                match keys.len().checked_sub(20) {
                    Some(more @ 1..) => write!(f, " and {more} more"),
                    _ => Ok(()),
                }
            }
            Self::Filter(filter) => {
                f.write_str("all entries with")?;
                for (name, value) in filter.fields() {
                    write!(f, " {name}={value:?}")?;
                }
                Ok(())
            }
        }
    }
}
