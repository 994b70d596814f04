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
        match Scan::until(body.bytes(), |envelope| envelope.id.is_some()) {
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

impl<'a> Scan<'a> {
    /// Reads until the trigger is known: all that routing needs.
    pub(crate) fn of(json: &'a [u8]) -> Self {
        Self::until(json, |_| true)
    }

    fn until(json: &'a [u8], enough: impl Fn(&Envelope<'a>) -> bool) -> Self {
        let mut found: Option<Envelope<'a>> = None;
        let (mut id, mut deltas) = (None, false);
        for (key, value) in Members::of(json).into_iter().flatten() {
            if key.is("type") && found.is_none() {
                let Some(name) = value.text() else {
                    return Self::Neither(Why::TypeIsNoString);
                };
                found = Some(Envelope {
                    name,
                    id: id.take(),
                });
            } else if key.is("id") {
                match &mut found {
                    Some(envelope) => envelope.id = envelope.id.take().or(value.text()),
                    None => id = id.or(value.text()),
                }
            } else if key.is("deltas") {
                deltas = true;
            }
            if found.as_ref().is_some_and(&enough) {
                break;
            }
        }
        match found {
            Some(envelope) => Self::Notification(envelope),
            None if deltas => Self::Deltas,
            None => Self::Neither(Why::NoType),
        }
    }
}
