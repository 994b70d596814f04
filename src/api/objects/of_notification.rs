//! Where the object of a notification is.

use std::{borrow::Cow, fmt};

use super::{GRANTS, GetObject};
use crate::{
    api::{InvalidId, path::Path},
    notification::Notification,
    trigger::TriggerKind,
};

/// Where the API has the object of a trigger. The ids stand in `data.object`, under these names.
enum Place {
    /// In this collection of the grant.
    InGrant(&'static str, &'static [&'static str]),
    Event,
    Grant,
    Booking,
    Notetaker,
    Deleted,
    Nowhere,
}

/// No other kind is left out: a new trigger does not compile without its row.
fn place(kind: &TriggerKind) -> Place {
    use TriggerKind as Kind;
    match kind {
        Kind::GrantCreated
        | Kind::GrantUpdated
        | Kind::GrantExpired
        | Kind::GrantImapSyncCompleted => Place::Grant,
        // Cleaning is a request of its own: this is the original.
        Kind::MessageCreated
        | Kind::MessageCreatedCleaned
        | Kind::MessageCreatedMetadata
        | Kind::MessageUpdated
        | Kind::MessageUpdatedMetadata
        | Kind::MessageSendSuccess => Place::InGrant("/messages", &["id"]),
        Kind::MessageSendFailed => Place::InGrant("/messages/schedules", &["schedule_id"]),
        // The message that bounced, not the report of it.
        Kind::MessageBounceDetected => Place::InGrant("/messages", &["origin", "id"]),
        Kind::MessageOpened | Kind::MessageLinkClicked => {
            Place::InGrant("/messages", &["message_id"])
        }
        Kind::ThreadReplied => Place::InGrant("/threads", &["thread_id"]),
        Kind::FolderCreated | Kind::FolderUpdated => Place::InGrant("/folders", &["id"]),
        Kind::CalendarCreated | Kind::CalendarUpdated => Place::InGrant("/calendars", &["id"]),
        Kind::EventCreated | Kind::EventUpdated => Place::Event,
        Kind::ContactCreated | Kind::ContactUpdated => Place::InGrant("/contacts", &["id"]),
        Kind::BookingCreated
        | Kind::BookingPending
        | Kind::BookingRescheduled
        | Kind::BookingCancelled
        | Kind::BookingReminder => Place::Booking,
        Kind::NotetakerCreated
        | Kind::NotetakerUpdated
        | Kind::NotetakerMeetingState
        | Kind::NotetakerMedia => Place::Notetaker,
        Kind::MessageIntelligenceOrder
        | Kind::MessageIntelligenceTracking
        | Kind::MessageIntelligenceReturn
        | Kind::MessageIntelligenceTravel => Place::InGrant("/messages", &["fetched_email_id"]),
        Kind::MessageBounced
        | Kind::MessageComplaint
        | Kind::MessageDelivered
        | Kind::MessageRejected => Place::InGrant("/messages", &["message", "id"]),
        Kind::GrantDeleted
        | Kind::MessageDeleted
        | Kind::FolderDeleted
        | Kind::CalendarDeleted
        | Kind::EventDeleted
        | Kind::ContactDeleted
        | Kind::NotetakerDeleted => Place::Deleted,
        // Ids of API v2; mail that no grant has sent; nothing that has a path; not known.
        Kind::MessageOpenedLegacy
        | Kind::MessageLinkClickedLegacy
        | Kind::ThreadRepliedLegacy
        | Kind::MessageTransactionalBounced
        | Kind::MessageTransactionalComplaint
        | Kind::MessageTransactionalDelivered
        | Kind::MessageTransactionalRejected
        | Kind::AlertTriggered
        | Kind::Unknown(_) => Place::Nowhere,
    }
}

impl GetObject {
    /// The object of a notification: after tracking and delivery reports the message that they are
    /// about, after `.cleaned` the original, as JSON. [`read_as`](Self::read_as) reads it as a
    /// type.
    ///
    /// ```
    /// # use tower_nylas::{Notification, Secrets, VerifiedBody, WebhookSecret};
    /// # use tower_nylas::api::{Api, GetObject, Operation};
    /// # let body = bytes::Bytes::from_static(br#"{"type":"message.created.truncated","id":"n-1",
    /// #     "data":{"object":{"id":"<1@mail.example>","grant_id":"g-1"}}}"#);
    /// # let secrets = Secrets::new("an-invented-secret")?;
    /// # let signature = WebhookSecret::new("an-invented-secret")?.sign(&body);
    /// # let verified_body = VerifiedBody::verify(body, &signature, &secrets)?;
    /// # let api = Api::us("an-invented-key")?;
    /// let notification: Notification = verified_body.try_into()?;
    /// let request = GetObject::of(&notification)?.request(&api);
    /// assert_eq!(request.uri().path(), "/v3/grants/g-1/messages/%3C1%40mail.example%3E");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`RefetchError`] if there is nothing to read any more or no path to it, or if the
    /// notification lacks an id that the path needs.
    pub fn of<T>(notification: &Notification<T>) -> Result<Self, RefetchError> {
        let ids = Ids(notification);
        let path = match place(notification.trigger().kind()) {
            Place::InGrant(collection, name) => ids.below(ids.grant()?.part(collection), name),
            Place::Event => {
                let event = ids.below(ids.grant()?.part("/events"), &["id"])?;
                ids.query(event, "calendar_id")
            }
            Place::Grant => ids.grant(),
            Place::Booking => {
                let bookings = Path::fixed("/v3/scheduling/bookings");
                ids.query(ids.below(bookings, &["booking_id"])?, "configuration_id")
            }
            // One of its own belongs to no grant.
            Place::Notetaker => {
                let owner = ids.grant().unwrap_or(Path::fixed("/v3"));
                ids.below(owner.part("/notetakers"), &["id"])
            }
            Place::Deleted => Err(RefetchError::Deleted),
            Place::Nowhere => Err(RefetchError::NoPath),
        };
        path.map(Self::at)
    }
}

/// The ids in a notification.
struct Ids<'a, T>(&'a Notification<T>);

impl<T> Ids<'_, T> {
    fn grant(&self) -> Result<Path, RefetchError> {
        append(self.0.grant_id(), "grant_id", |id| GRANTS.id(id))
    }

    fn below(&self, path: Path, name: &[&'static str]) -> Result<Path, RefetchError> {
        let (id, name) = self.find(name);
        append(id, name, |id| path.id(id))
    }

    fn query(&self, path: Path, name: &'static str) -> Result<Path, RefetchError> {
        let (id, _) = self.find(&[name]);
        append(id, name, |id| path.query(name, id))
    }

    fn find(&self, name: &[&'static str]) -> (Option<Cow<'_, str>>, &'static str) {
        let path = [&["data", "object"], name].concat();
        (
            self.0.text_at(&path),
            name.last().copied().unwrap_or_default(),
        )
    }
}

fn append(
    id: Option<Cow<'_, str>>,
    name: &'static str,
    to: impl FnOnce(&str) -> Result<Path, InvalidId>,
) -> Result<Path, RefetchError> {
    let missing = RefetchError::Missing(name);
    to(&id.ok_or(missing)?).map_err(|_| missing)
}

/// Why there is no request for the object of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefetchError {
    /// The object was deleted.
    Deleted,
    /// Nylas' API has no path to the object of this trigger, or the trigger is not known.
    NoPath,
    /// The notification lacks this id, or has one that cannot stand in a path.
    Missing(&'static str),
}

impl fmt::Display for RefetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deleted => f.write_str("the object was deleted"),
            Self::NoPath => f.write_str("Nylas' API has no path to the object of this trigger"),
            Self::Missing(name) => write!(f, "the notification has no usable `{name}`"),
        }
    }
}

impl std::error::Error for RefetchError {}
