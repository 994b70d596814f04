//! Reading an object as it is now.

use std::{fmt, marker::PhantomData};

use bytes::Bytes;
use http::{Method, Request, Response};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{GRANTS, MAX_OBJECT};
use crate::{
    api::{Api, ApiError, InvalidId, Operation, answer, path::Path},
    notification::object::{Calendar, Contact, Event, Folder, Message},
};

/// `GET` of one object, as it is now, read as a `T`: that of a notification
/// ([`of`](Self::of)), or one whose ids are known.
///
/// Ids are percent-encoded. After an object was deleted, the answer is the error
/// [`NotFound`](crate::api::ErrorKind::NotFound).
///
/// ```
/// use tower_nylas::api::{Api, GetObject, Operation};
///
/// let get = GetObject::message("g-1", "<1@mail.example>")?.fields("include_headers")?;
/// let request = get.request(&Api::us("an-invented-key")?);
/// assert_eq!(
///     request.uri(),
///     "https://api.us.nylas.com/v3/grants/g-1/messages/%3C1%40mail.example%3E\
///      ?fields=include_headers",
/// );
/// # Ok::<(), tower_nylas::BoxError>(())
/// ```
pub struct GetObject<T = Value> {
    path: Path,
    of: PhantomData<fn() -> T>,
}

impl GetObject {
    /// A mail, as `message.created` has it.
    ///
    /// # Errors
    ///
    /// [`InvalidId`], as for all constructors, for what cannot stand in a path.
    pub fn message(grant_id: &str, id: &str) -> Result<GetObject<Message>, InvalidId> {
        in_grant(grant_id, "/messages", id)
    }

    /// A conversation.
    ///
    /// # Errors
    ///
    /// [`InvalidId`].
    pub fn thread(grant_id: &str, id: &str) -> Result<Self, InvalidId> {
        in_grant(grant_id, "/threads", id)
    }

    /// A folder or label.
    ///
    /// # Errors
    ///
    /// [`InvalidId`].
    pub fn folder(grant_id: &str, id: &str) -> Result<GetObject<Folder>, InvalidId> {
        in_grant(grant_id, "/folders", id)
    }

    /// A calendar.
    ///
    /// # Errors
    ///
    /// [`InvalidId`].
    pub fn calendar(grant_id: &str, id: &str) -> Result<GetObject<Calendar>, InvalidId> {
        in_grant(grant_id, "/calendars", id)
    }

    /// An event of a calendar.
    ///
    /// # Errors
    ///
    /// [`InvalidId`].
    pub fn event(
        grant_id: &str,
        id: &str,
        calendar_id: &str,
    ) -> Result<GetObject<Event>, InvalidId> {
        in_grant(grant_id, "/events", id)?.with("calendar_id", calendar_id)
    }

    /// A contact.
    ///
    /// # Errors
    ///
    /// [`InvalidId`].
    pub fn contact(grant_id: &str, id: &str) -> Result<GetObject<Contact>, InvalidId> {
        in_grant(grant_id, "/contacts", id)
    }

    /// A grant, as JSON: its id is `id` here, and `grant_id` in notifications.
    ///
    /// # Errors
    ///
    /// [`InvalidId`].
    pub fn grant(grant_id: &str) -> Result<Self, InvalidId> {
        GRANTS.id(grant_id).map(Self::at)
    }

    /// A booking of the scheduler, under the id of its configuration.
    ///
    /// # Errors
    ///
    /// [`InvalidId`].
    pub fn booking(id: &str, configuration_id: &str) -> Result<Self, InvalidId> {
        let path = Path::fixed("/v3/scheduling/bookings").id(id)?;
        Self::at(path).with("configuration_id", configuration_id)
    }

    /// A mail that is to be sent later.
    ///
    /// # Errors
    ///
    /// [`InvalidId`].
    pub fn scheduled_send(grant_id: &str, id: &str) -> Result<Self, InvalidId> {
        in_grant(grant_id, "/messages/schedules", id)
    }

    /// A Notetaker, of a grant or of its own.
    ///
    /// # Errors
    ///
    /// [`InvalidId`].
    pub fn notetaker(grant_id: Option<&str>, id: &str) -> Result<Self, InvalidId> {
        notetaker(grant_id, id).map(Self::at)
    }

    /// Where a Notetaker's recording and transcript can be downloaded.
    ///
    /// # Errors
    ///
    /// [`InvalidId`].
    pub fn notetaker_media(grant_id: Option<&str>, id: &str) -> Result<Self, InvalidId> {
        Ok(Self::at(notetaker(grant_id, id)?.part("/media")))
    }

    /// What a Notetaker has done.
    ///
    /// # Errors
    ///
    /// [`InvalidId`].
    pub fn notetaker_history(grant_id: Option<&str>, id: &str) -> Result<Self, InvalidId> {
        Ok(Self::at(notetaker(grant_id, id)?.part("/history")))
    }

    /// What an attachment of a message is; [`DownloadAttachment`](crate::api::DownloadAttachment)
    /// has its bytes.
    ///
    /// # Errors
    ///
    /// [`InvalidId`].
    pub fn attachment(grant_id: &str, id: &str, message_id: &str) -> Result<Self, InvalidId> {
        in_grant(grant_id, "/attachments", id)?.with("message_id", message_id)
    }
}

impl<T> GetObject<T> {
    pub(super) fn at(path: Path) -> Self {
        Self {
            path,
            of: PhantomData,
        }
    }

    /// Reads the object as another type.
    pub fn read_as<U>(self) -> GetObject<U> {
        GetObject::at(self.path)
    }

    /// What else a message comes with, or instead: `include_headers`, `raw_mime` and others.
    ///
    /// # Errors
    ///
    /// [`InvalidId`].
    pub fn fields(self, fields: &str) -> Result<Self, InvalidId> {
        self.with("fields", fields)
    }

    /// Only these fields of the object, separated by commas
    /// ([source](https://developer.nylas.com/docs/dev-guide/platform/field-selection/)). The type
    /// must do without the others.
    ///
    /// # Errors
    ///
    /// [`InvalidId`].
    pub fn select(self, fields: &str) -> Result<Self, InvalidId> {
        self.with("select", fields)
    }

    fn with(self, name: &'static str, value: &str) -> Result<Self, InvalidId> {
        Ok(Self::at(self.path.query(name, value)?))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

pub(super) fn in_grant<T>(
    grant_id: &str,
    collection: &'static str,
    id: &str,
) -> Result<GetObject<T>, InvalidId> {
    let path = GRANTS.id(grant_id)?.part(collection).id(id)?;
    Ok(GetObject::at(path))
}

fn notetaker(grant_id: Option<&str>, id: &str) -> Result<Path, InvalidId> {
    match grant_id {
        Some(grant_id) => GRANTS.id(grant_id)?.part("/notetakers").id(id),
        None => Path::fixed("/v3/notetakers").id(id),
    }
}

impl<T: DeserializeOwned> Operation for GetObject<T> {
    type Output = T;

    fn request(&self, api: &Api) -> Request<Bytes> {
        api.request(Method::GET, &self.path)
    }

    fn response(&self, response: Response<Bytes>) -> Result<T, ApiError> {
        answer::data(&response)
    }

    fn max_response(&self) -> usize {
        MAX_OBJECT
    }
}

impl<T> Clone for GetObject<T> {
    fn clone(&self) -> Self {
        Self::at(self.path.clone())
    }
}

impl<T> fmt::Debug for GetObject<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GetObject")
            .field(&format_args!("{}", self.path))
            .finish()
    }
}
