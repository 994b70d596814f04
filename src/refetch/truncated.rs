//! A truncated notification, and the same with its whole object.

use std::{error::Error, fmt};

use bytes::Bytes;

use super::{NotRefetched, settings::Settings};
use crate::{
    api::{GetObject, GetRawObject},
    notification::{self, Kind, Notification},
    report::ATTEMPTS,
    trigger::{Trigger, TriggerKind},
    verify::VerifiedBody,
};

/// A truncated notification, and where its object is.
pub(super) struct Truncated {
    notification: Notification,
    pub(super) object: GetRawObject,
}

impl Truncated {
    /// `None` if it is not truncated, or of a trigger whose object is not what the API has;
    /// otherwise what to fetch, or why there is nothing.
    pub(super) fn of(
        body: &VerifiedBody,
        settings: &Settings,
    ) -> Option<Result<Self, NotRefetched>> {
        let Kind::Trigger(name) = Kind::of_verified(body) else {
            return None;
        };
        if !name.contains(".truncated") || !is_fetched(&Trigger::from(&*name)) {
            return None;
        }
        // What is malformed is the inner service's to judge.
        let notification = Notification::try_from(body.clone()).ok()?;
        let get = GetObject::of(&notification).map_err(NotRefetched::NoObject);
        Some(get.map(|get| Self {
            object: GetRawObject::new(&get, settings.max_size),
            notification,
        }))
    }

    /// The notification with this object in the place of its own.
    ///
    /// # Errors
    ///
    /// [`OtherObject`] if it is not the object that the notification names.
    pub(super) fn with(&self, object: &[u8]) -> Result<Bytes, OtherObject> {
        self.compare(object)?;
        let body = self.notification.body();
        let whole = notification::with_object(body.bytes(), &self.whole_trigger(), object);
        whole.map(Bytes::from).ok_or(OtherObject)
    }

    /// Whether Nylas will not send it again.
    pub(super) fn is_last_attempt(&self) -> bool {
        let attempt = self.notification.attempt();
        attempt.is_some_and(|attempt| attempt >= ATTEMPTS)
    }

    fn compare(&self, object: &[u8]) -> Result<(), OtherObject> {
        let id = notification::text_at(object, &["id"]);
        let grant_id = notification::text_at(object, &["grant_id"]);
        let grant_id = grant_id.filter(|grant_id| !grant_id.is_empty());
        let is_same = id.is_some()
            && id == self.notification.text_at(&["data", "object", "id"])
            && (grant_id.is_none() || grant_id == self.notification.grant_id());
        is_same.then_some(()).ok_or(OtherObject)
    }

    fn whole_trigger(&self) -> String {
        let trigger = self.notification.trigger();
        let suffix = if trigger.is_transformed() {
            ".transformed"
        } else {
            ""
        };
        format!("{}{suffix}", trigger.kind())
    }
}

/// Whether the API has, of this trigger, the object that the notification had before it was
/// truncated.
fn is_fetched(trigger: &Trigger) -> bool {
    let kind = matches!(
        trigger.kind(),
        TriggerKind::MessageCreated
            | TriggerKind::MessageCreatedMetadata
            | TriggerKind::MessageUpdated
            | TriggerKind::MessageUpdatedMetadata
    );
    kind && trigger.is_truncated()
}

/// Nylas' API has returned another object than the one that the notification names.
#[derive(Debug)]
pub(super) struct OtherObject;

impl fmt::Display for OtherObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nylas' API has returned another object, or that of another grant")
    }
}

impl Error for OtherObject {}
