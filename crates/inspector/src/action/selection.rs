//! Which entries an action is about.

use std::fmt;

use serde::Serialize;
use tower_nylas::inbox::EntryKey;

use super::ActionKind;
use crate::{
    filter::{Filter, StateFilter},
    params::Params,
};

/// Entries by their keys, or all that a filter selects.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Selection {
    Keys {
        #[serde(serialize_with = "texts")]
        keys: Vec<EntryKey>,
        /// In which state they were when they were chosen: those that are in another one by now
        /// are passed over.
        #[serde(serialize_with = "name_of")]
        was: StateFilter,
    },
    Filter(Filter),
}

fn texts<S: serde::Serializer>(keys: &[EntryKey], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(keys.iter().map(ToString::to_string))
}

#[allow(clippy::trivially_copy_pass_by_ref)] // as serde calls it
fn name_of<S: serde::Serializer>(state: &StateFilter, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(state.as_str())
}

impl Selection {
    /// The names of its parameters, beside those of a [`Filter`].
    pub(crate) const PARAMS: [&str; 2] = ["key", "was"];

    pub(crate) fn parse(params: &Params, action: ActionKind) -> Result<Self, String> {
        let keys = params.keys()?;
        let filter = Filter::parse(params)?;
        let was = params.one("was")?;
        let selection = if keys.is_empty() {
            if was.is_some() {
                return Err("nothing is selected: give a key".to_owned());
            }
            Self::of(filter, params)?
        } else {
            if filter != Filter::default() || params.has("state") {
                return Err("give keys, or a filter".to_owned());
            }
            let was = match was {
                None | Some("dead") => StateFilter::Dead,
                Some("done") => StateFilter::Done,
                Some(_) => return Err("it was dead, or done".to_owned()),
            };
            Self::Keys { keys, was }
        };
        if action == ActionKind::Discard && selection.was() != Some(StateFilter::Dead) {
            return Err("only what is dead can be discarded".to_owned());
        }
        Ok(selection)
    }

    fn of(mut filter: Filter, params: &Params) -> Result<Self, String> {
        let position = Filter {
            before: filter.before,
            ..Filter::default()
        };
        match filter.state {
            None if params.has("state") => {
                return Err("only what is dead or done can be selected".to_owned());
            }
            None if filter == position => {
                return Err("nothing is selected: give a key, or a state".to_owned());
            }
            None => filter.state = Some(StateFilter::Dead),
            Some(StateFilter::Dead | StateFilter::Done) => {}
            Some(_) => return Err("only what is dead or done can be selected".to_owned()),
        }
        Ok(Self::Filter(filter))
    }

    /// The state of the entries.
    pub(crate) fn was(&self) -> Option<StateFilter> {
        match self {
            Self::Keys { was, .. } => Some(*was),
            Self::Filter(filter) => filter.state,
        }
    }

    /// How many keys were given, if keys were.
    pub(crate) fn keys(&self) -> Option<usize> {
        match self {
            Self::Keys { keys, .. } => Some(keys.len()),
            Self::Filter(_) => None,
        }
    }

    /// The only entry, if it is one.
    pub(crate) fn only(&self) -> Option<EntryKey> {
        match self {
            Self::Keys { keys, .. } => keys.first().copied().filter(|_| keys.len() == 1),
            Self::Filter(_) => None,
        }
    }
}

/// For the record of an action.
impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keys { keys, .. } => {
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
