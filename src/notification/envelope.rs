//! The little that routing and de-duplication need of a notification.

use std::borrow::Cow;

use http::Request;

use super::{
    Malformed,
    head::{Head, Kind},
};
use crate::{report::MalformedReason, trigger::Trigger, verify::VerifiedBody};

/// The trigger, the id, the time and the attempt of a notification, read without parsing the rest.
///
/// ```
/// # use tower_nylas::{Secrets, VerifiedBody, WebhookSecret};
/// use tower_nylas::notification::Envelope;
///
/// # let body = bytes::Bytes::from_static(br#"{"type":"grant.expired","id":"n-1","data":{}}"#);
/// # let secrets = Secrets::new("an-invented-secret")?;
/// # let signature = WebhookSecret::new("an-invented-secret")?.sign(&body);
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
    time: Option<i64>,
    attempt: Option<u32>,
}

impl<'a> Envelope<'a> {
    /// Reads until all four are known, in whatever order the members come. Nylas writes them in
    /// front of the object.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if there is no `type`.
    pub fn peek(body: &'a VerifiedBody) -> Result<Self, Malformed> {
        let head = Head::of(body.bytes());
        let (id, time, attempt) = (head.id(), head.time(), head.attempt());
        let reason = match head.kind {
            Kind::Trigger(name) => {
                return Ok(Self {
                    name,
                    id,
                    time,
                    attempt,
                });
            }
            Kind::Deltas => MalformedReason::Deltas,
            Kind::Malformed(reason) => reason,
        };
        Err(Malformed::new(reason, None, Request::new(body.clone())))
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

    /// When it happened, in Unix seconds. Some kinds of notifications lack it.
    pub fn time(&self) -> Option<i64> {
        self.time
    }

    /// Which attempt to deliver it this is, from 1; Nylas makes up to three
    /// ([source](https://developer.nylas.com/docs/v3/notifications/)). Test events lack it.
    pub fn attempt(&self) -> Option<u32> {
        self.attempt
    }
}
