//! Which triggers the API takes.

use super::ManagementError;
use crate::trigger::TriggerKind;

/// Those that can be subscribed to: the pages of the triggers name more than the enumeration of the
/// API reference ([source](https://developer.nylas.com/docs/reference/notifications/)). Forms that
/// come by themselves are none.
pub(super) fn check_subscribable(types: &[String]) -> Result<(), ManagementError> {
    if types.is_empty() {
        return Err(ManagementError::missing("trigger_types"));
    }
    match types.iter().find(|name| !is_subscribable(name)) {
        Some(unknown) => Err(ManagementError::Invalid(format!(
            "trigger_types: {unknown:?} is no trigger"
        ))),
        None => Ok(()),
    }
}

fn is_subscribable(name: &str) -> bool {
    let known = TriggerKind::KNOWN.iter();
    known
        .filter(|kind| kind.is_documented())
        .any(|kind| kind.as_str() == name)
        && !name.ends_with(".metadata")
}

/// Those of mock payloads and test events
/// ([source](https://developer.nylas.com/docs/reference/api/webhook-notifications/)).
pub(super) const MOCKED: [&str; 26] = [
    "calendar.created",
    "calendar.deleted",
    "calendar.updated",
    "contact.deleted",
    "contact.updated",
    "event.created",
    "event.deleted",
    "event.updated",
    "folder.created",
    "folder.deleted",
    "folder.updated",
    "grant.created",
    "grant.deleted",
    "grant.expired",
    "grant.updated",
    "message.bounce_detected",
    "message.created",
    "message.created.cleaned",
    "message.created.truncated",
    "message.link_clicked",
    "message.opened",
    "message.send_failed",
    "message.send_success",
    "message.updated",
    "message.updated.truncated",
    "thread.replied",
];
