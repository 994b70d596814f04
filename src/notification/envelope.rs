//! The little that routing needs of a notification.

use std::borrow::Cow;

use super::{Malformed, malformed::Why, reader::Members};
use crate::{Trigger, VerifiedBody};

/// The trigger and the id of a notification, read without parsing the rest.
///
/// ```
/// # use tower_nylas::{Secrets, VerifiedBody, WebhookSecret};
/// use tower_nylas::notification::Envelope;
///
/// # let body = bytes::Bytes::from_static(br#"{"type":"grant.expired","id":"n-1","data":{}}"#);
/// # let secrets = Secrets::new("an invented secret")?;
/// # let signature = WebhookSecret::new("an invented secret")?.sign(&body);
/// # let body = VerifiedBody::verify(body, &signature, &secrets)?;
/// let envelope = Envelope::peek(&body)?;
/// assert_eq!(envelope.name(), "grant.expired");
/// assert_eq!(envelope.id(), Some("n-1"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope<'a> {
    name: Cow<'a, str>,
    id: Option<Cow<'a, str>>,
}

impl<'a> Envelope<'a> {
    /// Reads until both the trigger and the id are known, in whatever order the members come.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if there is no `type`.
    pub fn peek(body: &'a VerifiedBody) -> Result<Self, Malformed> {
        match Scan::until(body.bytes(), Need::NameAndId) {
            Scan::Notification(envelope) => Ok(envelope),
            Scan::Deltas => Err(Malformed::new(Why::Deltas, None, body.clone())),
            Scan::Neither(why) => Err(Malformed::new(why, None, body.clone())),
        }
    }

    /// The trigger's whole name, with all suffixes.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The trigger.
    pub fn trigger(&self) -> Trigger {
        Trigger::from(&*self.name)
    }

    /// The id of the notification. It is the same in every attempt to deliver it, so it is what to
    /// de-duplicate by
    /// ([source](https://developer.nylas.com/docs/cookbook/use-cases/build/handle-duplicate-webhooks/)).
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }
}

/// What kind of body this is.
pub(crate) enum Scan<'a> {
    Notification(Envelope<'a>),
    /// No `type`, but the `deltas` of Nylas API v2.
    Deltas,
    Neither(Why),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    Name,
    NameAndId,
}

impl<'a> Scan<'a> {
    /// Reads until the trigger is known: all that routing needs.
    pub(crate) fn of(json: &'a [u8]) -> Self {
        Self::until(json, Need::Name)
    }

    fn until(json: &'a [u8], need: Need) -> Self {
        let (mut name, mut id, mut deltas) = (None, None, false);
        if let Some(mut members) = Members::of(json) {
            while let Some(key) = members.next_key() {
                let passed = if name.is_none() && key.is("type") {
                    members.value().map(|value| name = Some(value.text()))
                } else if need == Need::NameAndId && id.is_none() && key.is("id") {
                    members.value().map(|value| id = value.text())
                } else {
                    deltas |= key.is("deltas");
                    members.skip_value()
                };
                let enough = match need {
                    Need::Name => name.is_some(),
                    Need::NameAndId => name.is_some() && id.is_some(),
                };
                if enough || passed.is_none() {
                    break;
                }
            }
        }
        match name {
            Some(Some(name)) => Self::Notification(Envelope { name, id }),
            Some(None) => Self::Neither(Why::TypeIsNoString),
            None if deltas => Self::Deltas,
            None => Self::Neither(Why::NoType),
        }
    }
}
