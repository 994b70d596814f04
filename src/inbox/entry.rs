//! What is stored of a notification.

use std::{fmt, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request};

use super::{
    EntryKey, InvalidHead,
    head::{Head, short},
};
use crate::{
    notification::{self, grant_id},
    trigger::Trigger,
    verify::VerifiedBody,
};

/// Names the span in which a request was sent (W3C Trace Context).
const TRACEPARENT: &str = "traceparent";

/// A verified notification, as an inbox stores it: a key, the content, and a head.
///
/// Engines store the three and look into none of them; what they show or filter by they ask for.
/// The head contains when it was received, the label of the secrets that verified it, and whether
/// they were looked up; its bytes have a version of their own, so that a field more needs neither a
/// new engine nor a migration.
///
/// Of the request, the content and a `traceparent` are kept, and nothing else. Cloning is cheap.
#[derive(Clone)]
pub struct Entry {
    key: EntryKey,
    head: Head,
    content: Bytes,
}

impl Entry {
    /// The entry of a verified body, received at this time since the Unix epoch.
    pub fn new(body: &VerifiedBody, received_at: Duration) -> Self {
        Self::of(body, received_at, None)
    }

    fn of(body: &VerifiedBody, received_at: Duration, traceparent: Option<Box<str>>) -> Self {
        let read = notification::Head::of(body.bytes());
        Self {
            key: EntryKey::of(body),
            head: Head {
                // As it will be restored.
                received_at: Duration::from_secs(received_at.as_secs())
                    + Duration::from_millis(received_at.subsec_millis().into()),
                label: body.shared_label().clone(),
                by_lookup: body.by_lookup(),
                trigger: read.trigger().and_then(short),
                grant_id: grant_id(body.bytes()).as_deref().and_then(short),
                traceparent,
            },
            content: body.bytes().clone(),
        }
    }

    /// With the `traceparent` of the request, if it has a well-formed one.
    pub(super) fn of_request(request: &Request<VerifiedBody>, received_at: Duration) -> Self {
        let traceparent = traceparent(request.headers());
        Self::of(request.body(), received_at, traceparent)
    }

    /// The entry that an engine has stored: its key, its [head](Self::head) and its content.
    ///
    /// # Errors
    ///
    /// [`InvalidHead`]: the engine buries the row as
    /// [`DeadCause::Undecodable`](super::DeadCause::Undecodable).
    pub fn restore(key: EntryKey, head: &[u8], content: Bytes) -> Result<Self, InvalidHead> {
        Ok(Self {
            key,
            head: Head::read(head)?,
            content,
        })
    }

    /// What tells it from others.
    pub fn key(&self) -> EntryKey {
        self.key
    }

    /// The bytes of the body: those on the wire or, after decompression, the inflated ones.
    pub fn content(&self) -> &Bytes {
        &self.content
    }

    /// Everything else, for an engine to store as it is: some 80 bytes.
    pub fn head(&self) -> Vec<u8> {
        self.head.write()
    }

    /// The trigger; `None` if there is none, or a name longer than 256 bytes.
    pub fn trigger(&self) -> Option<Trigger> {
        self.head.trigger.as_deref().map(Trigger::from)
    }

    /// The grant; `None` if there is none, or an id longer than 256 bytes.
    pub fn grant_id(&self) -> Option<&str> {
        self.head.grant_id.as_deref()
    }

    /// The label of the secrets that verified it.
    pub fn verified_by(&self) -> &str {
        &self.head.label
    }

    /// When it was received, since the Unix epoch, in whole milliseconds.
    pub fn received_at(&self) -> Duration {
        self.head.received_at
    }

    #[cfg(feature = "tracing")]
    pub(super) fn traceparent(&self) -> Option<&str> {
        self.head.traceparent.as_deref()
    }

    /// The request that a worker's service gets: `POST /`, without a header but a `traceparent`.
    pub(super) fn to_request(&self) -> Request<VerifiedBody> {
        let head = &self.head;
        let body = VerifiedBody::stored(self.content.clone(), head.label.clone(), head.by_lookup);
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.method = Method::POST;
        let traceparent = head.traceparent.as_deref().map(HeaderValue::from_str);
        if let Some(Ok(traceparent)) = traceparent {
            parts.headers.insert(TRACEPARENT, traceparent);
        }
        body.into_request(parts)
    }
}

/// `00-`, 32 hex digits, `-`, 16 hex digits, `-`, 2 hex digits: what comes from outside is stored
/// only in this form.
fn traceparent(headers: &HeaderMap) -> Option<Box<str>> {
    let text = headers.get(TRACEPARENT)?.to_str().ok()?;
    let is_hex = |part: &str| {
        part.bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let parts: Vec<_> = text.split('-').collect();
    let lengths = parts.iter().map(|part| part.len());
    (lengths.eq([2, 32, 16, 2]) && parts.into_iter().all(is_hex)).then(|| text.into())
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("key", &self.key)
            .field("trigger", &self.head.trigger)
            .field("length", &self.content.len())
            .field("verified_by", &self.verified_by())
            .field("received_at", &self.received_at())
            .finish_non_exhaustive()
    }
}
