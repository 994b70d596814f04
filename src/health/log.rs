//! An event for each change of a level.

use super::{Level, changes::Change};
use crate::report::{UpTo, event_at, one_line};

pub(super) fn changed(changes: &[Change]) {
    for change in changes {
        let level = if change.to < change.from {
            tracing::Level::INFO
        } else if change.to < Level::Error {
            tracing::Level::WARN
        } else {
            tracing::Level::ERROR
        };
        let destination = change.destination.as_deref();
        event_at!(
            level,
            destination = destination.map(|label| UpTo::name(label).to_string()),
            cause = change.cause.as_str(),
            health = change.to.as_str(),
            before = change.from.as_str(),
            "{}",
            one_line(change.text.as_deref().unwrap_or("over"))
        );
    }
}

/// The status of a destination could not be read.
#[cfg(feature = "api")]
pub(super) fn status_unknown(label: &str, why: &crate::api::SendError) {
    event_at!(
        tracing::Level::WARN,
        destination = UpTo::name(label).to_string(),
        "what Nylas says of the destination is not known: {}",
        one_line(why)
    );
}
