//! The names of what happened: `message.created`, `event.updated.transformed`, and names that
//! Nylas has yet to invent.
//!
//! A name has the form
//!
//! ```text
//! base [.cleaned | .metadata | .legacy] [.transformed] [.truncated]
//! ```
//!
//! where the base has at least two segments and may have more (`message.transactional.bounced`).
//! One subscribes to a base, to `.cleaned` or to `.legacy`; the other suffixes come by themselves
//! and cannot be switched off ([source](https://developer.nylas.com/docs/v3/notifications/)). So a
//! receiver that compares whole names loses every mail over 1 MB, which arrives as
//! `message.created.truncated`.

mod filter;
mod kind;
#[cfg(feature = "router")]
mod listed;
mod suffix;
mod table;

use std::fmt;

#[cfg(feature = "router")]
pub(crate) use self::filter::Pattern;
pub(crate) use self::suffix::Suffix;
#[cfg(feature = "router")]
pub(crate) use self::table::with_triggers;
pub use self::{
    filter::{Filter, InvalidFilter},
    kind::TriggerKind,
};

/// The `type` of a notification: what happened, and in which form Nylas tells it.
///
/// Reading a name never fails, and [`Display`](fmt::Display) gives back exactly the name that was
/// read.
///
/// ```
/// use tower_nylas::trigger::{Trigger, TriggerKind};
///
/// let trigger = Trigger::from("message.created.cleaned.truncated");
/// assert_eq!(trigger.kind(), &TriggerKind::MessageCreatedCleaned);
/// assert!(trigger.is_truncated() && trigger.is_cleaned() && !trigger.is_transformed());
///
/// let unheard_of = Trigger::from("yacht.sunk.truncated");
/// assert_eq!(unheard_of.kind().as_str(), "yacht.sunk");
/// assert_eq!(unheard_of.to_string(), "yacht.sunk.truncated");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Trigger {
    kind: TriggerKind,
    suffix: Suffix,
}

impl Trigger {
    /// The name without `.transformed` and `.truncated`.
    pub fn kind(&self) -> &TriggerKind {
        &self.kind
    }

    /// `.truncated`: the notification was larger than 1 MB, so the content of the message was left
    /// out. Fetch the object by its id.
    pub fn is_truncated(&self) -> bool {
        self.suffix.is_truncated()
    }

    /// `.transformed`: the application's field selection (Dashboard, Customizations) removed
    /// fields. Ids always stay.
    pub fn is_transformed(&self) -> bool {
        self.suffix.is_transformed()
    }

    /// `.cleaned`: the body of the message is cleaned Markdown.
    pub fn is_cleaned(&self) -> bool {
        self.is_variant(".cleaned")
    }

    /// `.metadata`: a Google grant with the `gmail.metadata` scope, so there is no body.
    pub fn is_metadata(&self) -> bool {
        self.is_variant(".metadata")
    }

    /// `.legacy`: the payload of Nylas API v2 inside a v3 notification.
    pub fn is_legacy(&self) -> bool {
        self.is_variant(".legacy")
    }

    fn is_variant(&self, variant: &str) -> bool {
        let stem = self.kind.as_str().strip_suffix(variant);
        stem.is_some_and(|stem| stem.contains('.'))
    }

    pub(crate) fn suffix(&self) -> Suffix {
        self.suffix
    }
}

impl From<&str> for Trigger {
    fn from(name: &str) -> Self {
        let (stem, suffix) = Suffix::split(name);
        Self {
            kind: TriggerKind::from(stem),
            suffix,
        }
    }
}

impl From<TriggerKind> for Trigger {
    fn from(kind: TriggerKind) -> Self {
        match kind {
            // The text may end in a suffix.
            TriggerKind::Unknown(name) => Self::from(&*name),
            kind => Self {
                kind,
                suffix: Suffix::None,
            },
        }
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.as_str())?;
        f.write_str(self.suffix.as_str())
    }
}

#[cfg(test)]
mod tests;
