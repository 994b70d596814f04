//! Which entries a page shows, or an action is about.

use serde::Serialize;
use tower_nylas::inbox::{DeadCause, EntryState, Query};

use crate::params::{Link, Params};

/// A state, as it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StateFilter {
    Ready,
    Waiting,
    Claimed,
    Done,
    Dead,
}

impl StateFilter {
    pub(crate) const ALL: [Self; 5] = [
        Self::Ready,
        Self::Waiting,
        Self::Claimed,
        Self::Done,
        Self::Dead,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Waiting => "waiting",
            Self::Claimed => "claimed",
            Self::Done => "done",
            Self::Dead => "dead",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// Entries by what they have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Filter {
    #[serde(serialize_with = "state_name")]
    pub(crate) state: Option<StateFilter>,
    #[serde(serialize_with = "cause_name")]
    pub(crate) cause: Option<DeadCause>,
    /// Exactly this one, which may be empty.
    pub(crate) trigger: Option<String>,
    /// Those without a trigger.
    pub(crate) no_trigger: bool,
    pub(crate) grant: Option<String>,
    /// With positions below this one.
    pub(crate) before: Option<u64>,
}

#[allow(clippy::ref_option, clippy::trivially_copy_pass_by_ref)] // as serde calls it
fn state_name<S: serde::Serializer>(
    state: &Option<StateFilter>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    state.map(StateFilter::as_str).serialize(serializer)
}

#[allow(clippy::ref_option, clippy::trivially_copy_pass_by_ref)] // as serde calls it
fn cause_name<S: serde::Serializer>(
    cause: &Option<DeadCause>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    cause.map(DeadCause::as_str).serialize(serializer)
}

impl Filter {
    /// The names of its parameters.
    pub(crate) const PARAMS: [&str; 7] = [
        "state",
        "cause",
        "trigger",
        "no_trigger",
        "empty_trigger",
        "grant",
        "before",
    ];

    /// Names that are none are an error, and so is what would not be read, or an action would be
    /// about more than was asked for.
    pub(crate) fn parse(params: &Params) -> Result<Self, String> {
        let cause = match params.one("cause")? {
            None => None,
            Some(name) => Some(
                DeadCause::from_name(name).ok_or_else(|| format!("no cause is named {name}"))?,
            ),
        };
        let state = match params.one("state")? {
            None if cause.is_some() => Some(StateFilter::Dead),
            None | Some("all") => None,
            Some(name) => Some(
                StateFilter::from_name(name).ok_or_else(|| format!("no state is named {name}"))?,
            ),
        };
        if cause.is_some() && state != Some(StateFilter::Dead) {
            return Err("only what is dead has a cause".to_owned());
        }
        // A form without a trigger has an empty one, so that has a parameter of its own.
        let (is_empty, no_trigger) = (params.flag("empty_trigger")?, params.flag("no_trigger")?);
        let trigger = match params.one("trigger")? {
            None => is_empty.then(String::new),
            Some(_) if is_empty => return Err("there is more than one trigger".to_owned()),
            Some(trigger) => Some(trigger.to_owned()),
        };
        if no_trigger && trigger.is_some() {
            return Err("it is with a trigger, or without one".to_owned());
        }
        let before = match params.one("before")? {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| format!("{text} is no position"))?),
        };
        Ok(Self {
            state,
            cause,
            trigger,
            no_trigger,
            grant: params.one("grant")?.map(str::to_owned),
            before,
        })
    }

    pub(crate) fn query(&self, max: usize) -> Query {
        let mut query = Query::default();
        query.state = self.state.map(|state| match state {
            StateFilter::Ready => EntryState::Ready,
            StateFilter::Waiting => EntryState::Waiting,
            StateFilter::Claimed => EntryState::Claimed,
            StateFilter::Done => EntryState::Done,
            StateFilter::Dead => EntryState::Dead(self.cause.unwrap_or(DeadCause::Crashed)),
        });
        query.any_cause = self.cause.is_none();
        query.trigger.clone_from(&self.trigger);
        query.no_trigger = self.no_trigger;
        query.grant_id.clone_from(&self.grant);
        query.before = self.before;
        query.max = max;
        query
    }

    /// The same entries, on another page.
    pub(crate) fn link(&self, page: &str) -> Link {
        let fields = self.fields().into_iter();
        fields.fold(Link::to(page), |link, (name, value)| link.with(name, value))
    }

    /// Its parameters.
    pub(crate) fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = Vec::new();
        let mut add = |name, value: Option<String>| fields.extend(value.map(|value| (name, value)));
        add("state", self.state.map(|state| state.as_str().to_owned()));
        add("cause", self.cause.map(|cause| cause.as_str().to_owned()));
        let is_empty = self.trigger.as_deref() == Some("");
        add("trigger", self.trigger.clone().filter(|_| !is_empty));
        add("empty_trigger", is_empty.then(|| "1".to_owned()));
        add("no_trigger", self.no_trigger.then(|| "1".to_owned()));
        add("grant", self.grant.clone());
        add("before", self.before.map(|before| before.to_string()));
        fields
    }
}
