//! The request that reads the object of a notification again.

use std::{borrow::Cow, fmt};

use http::{Method, Request, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Notification, reader::RawValue};

/// What an id keeps as it is in a path; everything else is encoded, since Nylas answers 404 to a
/// bare `<`, `@` or `#`.
const ID: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

impl<T> Notification<T> {
    /// The request that reads the object as it is now, for instance the whole message after a
    /// `.truncated` notification.
    ///
    /// `api_base` is `https://api.us.nylas.com` or `https://api.eu.nylas.com`. The request has
    /// neither a body nor an `Authorization` header: add `Bearer` with the application's API key,
    /// and send it with any client. After `message.created.cleaned` the answer is the original
    /// message; cleaning is a request of its own
    /// ([source](https://developer.nylas.com/docs/v3/notifications/)).
    ///
    /// ```
    /// # use tower_nylas::{Notification, Secrets, VerifiedBody, WebhookSecret};
    /// # let body = bytes::Bytes::from_static(br#"{"type":"message.created.truncated","id":"n-1",
    /// #     "data":{"object":{"id":"<1@mail.example>","grant_id":"g-1"}}}"#);
    /// # let secrets = Secrets::new("an-invented-secret")?;
    /// # let signature = WebhookSecret::new("an-invented-secret")?.sign(&body);
    /// # let verified_body = VerifiedBody::verify(body, &signature, &secrets)?;
    /// # let notification: Notification = verified_body.try_into()?;
    /// let request = notification.refetch_request("https://api.us.nylas.com")?;
    /// assert_eq!(
    ///     request.uri(),
    ///     "https://api.us.nylas.com/v3/grants/g-1/messages/%3C1%40mail.example%3E",
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`RefetchError`] if there is nothing to read any more or no path to it, if the notification
    /// lacks an id that the path needs, or if `api_base` is no base of a URL.
    pub fn refetch_request(&self, api_base: &str) -> Result<Request<()>, RefetchError> {
        let uri = format!("{}{}", api_base.trim_end_matches('/'), self.path()?);
        let uri: Uri = uri.parse().map_err(|_| RefetchError::Base)?;
        if uri.scheme().is_none() || uri.host().is_none() {
            return Err(RefetchError::Base);
        }
        Request::builder()
            .method(Method::GET)
            .uri(uri)
            .body(())
            .map_err(|_| RefetchError::Base)
    }

    fn path(&self) -> Result<String, RefetchError> {
        let kind = self.trigger().kind().as_str();
        let (family, event) = kind.split_once('.').unwrap_or((kind, ""));
        if event == "deleted" {
            return Err(RefetchError::Deleted);
        }
        if event == "legacy" || event.ends_with(".legacy") {
            // Ids of API v2.
            return Err(RefetchError::NoPath);
        }
        match (family, event) {
            // Mail that no grant sent cannot be read through one.
            ("message", event) if event.starts_with("transactional.") => Err(RefetchError::NoPath),
            ("message", "opened" | "link_clicked") => self.in_grant("messages", "message_id"),
            // The message that bounced, not the report of it.
            ("message", "bounce_detected") => {
                let id = self.id_at(&["data", "object", "origin", "id"])?;
                Ok(format!("/v3/grants/{}/messages/{id}", self.grant()?))
            }
            ("message", "send_failed") => self.in_grant("messages/schedules", "schedule_id"),
            ("message", event) if event.starts_with("intelligence.") => {
                self.in_grant("messages", "fetched_email_id")
            }
            ("message", "bounced" | "complaint" | "delivered" | "rejected") => {
                let id = self.id_at(&["data", "object", "message", "id"])?;
                Ok(format!("/v3/grants/{}/messages/{id}", self.grant()?))
            }
            ("message", _) => self.in_grant("messages", "id"),
            ("thread", _) => self.in_grant("threads", "thread_id"),
            ("folder", _) => self.in_grant("folders", "id"),
            ("calendar", _) => self.in_grant("calendars", "id"),
            ("contact", _) => self.in_grant("contacts", "id"),
            ("event", _) => {
                let event = self.in_grant("events", "id")?;
                let calendar = self.id_at(&["data", "object", "calendar_id"])?;
                Ok(format!("{event}?calendar_id={calendar}"))
            }
            ("grant", _) => Ok(format!("/v3/grants/{}", self.grant()?)),
            ("booking", _) => {
                let booking = self.id_at(&["data", "object", "booking_id"])?;
                let configuration = self.id_at(&["data", "object", "configuration_id"])?;
                Ok(format!(
                    "/v3/scheduling/bookings/{booking}?configuration_id={configuration}"
                ))
            }
            // A Notetaker of its own belongs to no grant.
            ("notetaker", _) => match self.grant() {
                Ok(_) => self.in_grant("notetakers", "id"),
                Err(_) => Ok(format!(
                    "/v3/notetakers/{}",
                    self.id_at(&["data", "object", "id"])?
                )),
            },
            _ => Err(RefetchError::NoPath),
        }
    }

    fn in_grant(&self, collection: &str, id: &'static str) -> Result<String, RefetchError> {
        let grant = self.grant()?;
        let id = self.id_at(&["data", "object", id])?;
        Ok(format!("/v3/grants/{grant}/{collection}/{id}"))
    }

    fn grant(&self) -> Result<String, RefetchError> {
        encoded(self.grant_id(), "grant_id")
    }

    fn id_at(&self, path: &[&'static str]) -> Result<String, RefetchError> {
        let name = path.last().copied().unwrap_or_default();
        encoded(self.find(path).and_then(RawValue::text_or_number), name)
    }
}

fn encoded(id: Option<Cow<'_, str>>, name: &'static str) -> Result<String, RefetchError> {
    match id {
        // A message id may come from a stranger's mail, and these two would climb the path.
        Some(id) if !matches!(&*id, "" | "." | "..") => {
            Ok(utf8_percent_encode(&id, ID).to_string())
        }
        _ => Err(RefetchError::Missing(name)),
    }
}

/// Why there is no request to read an object again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefetchError {
    /// The object was deleted.
    Deleted,
    /// Nylas' API has no path to the object of this trigger.
    NoPath,
    /// The notification lacks this id.
    Missing(&'static str),
    /// The base is no absolute URL.
    Base,
}

impl fmt::Display for RefetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deleted => f.write_str("the object was deleted"),
            Self::NoPath => f.write_str("Nylas' API has no path to the object of this trigger"),
            Self::Missing(name) => write!(f, "the notification has no `{name}`"),
            Self::Base => f.write_str("the base of the API is no absolute URL"),
        }
    }
}

impl std::error::Error for RefetchError {}
