//! A notification with its object as a type.

use std::{
    borrow::Cow,
    fmt,
    time::{Duration, SystemTime},
};

use http::{Extensions, Request};
use serde::Deserialize;
use serde_json::{Map, Value};

#[cfg(feature = "api")]
use super::lenient::text_at;
use super::{
    Malformed, Payload, Unfit,
    head::Kind,
    object::send::SendError,
    reader::{self, RawValue},
    reread::{Reread, reread},
    wire::Wire,
};
use crate::{report::MalformedReason, trigger::Trigger, verify::VerifiedBody};

/// A verified notification whose `data.object` was read as a `T`.
///
/// `Debug` shows the envelope and not the object, which may be somebody's mail.
///
/// ```
/// # use tower_nylas::{Secrets, VerifiedBody, WebhookSecret};
/// use tower_nylas::Notification;
///
/// #[derive(serde::Deserialize)]
/// struct Expired {
///     email: String,
/// }
///
/// # let body = bytes::Bytes::from_static(br#"{"specversion":"1.0","type":"grant.expired",
/// #     "source":"/nylas/system","id":"n-1","time":1790252200,"webhook_delivery_attempt":2,
/// #     "data":{"application_id":"a","object":{"grant_id":"g-1","email":"kai@mail.example"}}}"#);
/// # let secrets = Secrets::new("an-invented-secret")?;
/// # let signature = WebhookSecret::new("an-invented-secret")?.sign(&body);
/// # let verified_body = VerifiedBody::verify(body, &signature, &secrets)?;
/// let notification = Notification::<Expired>::try_from(verified_body)?;
/// assert_eq!(notification.object.email, "kai@mail.example");
/// assert_eq!(notification.attempt(), Some(2));
/// assert_eq!(notification.grant_id().as_deref(), Some("g-1"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Notification<T = Value> {
    /// What changed: `data.object`.
    pub object: T,
    rest: Rest,
}

/// All of a notification but its object.
#[derive(Clone)]
struct Rest {
    wire: Wire<()>,
    unfit: Box<[Unfit]>,
    extensions: Extensions,
    body: VerifiedBody,
}

impl<T> Notification<T> {
    /// What happened: the `type`.
    pub fn trigger(&self) -> &Trigger {
        &self.rest.wire.trigger
    }

    /// The id of the notification.
    ///
    /// It is the same in every attempt, while body and signature differ, so it is what to
    /// de-duplicate by
    /// ([source](https://developer.nylas.com/docs/cookbook/use-cases/build/handle-duplicate-webhooks/)).
    pub fn id(&self) -> Option<&str> {
        self.rest.wire.id.as_deref()
    }

    /// Where it comes from, usually `/<provider>/<product>/<kind of sync>`. Free text.
    pub fn source(&self) -> Option<&str> {
        self.rest.wire.source.as_deref()
    }

    /// The version of the `CloudEvents` format, always `1.0` so far.
    pub fn specversion(&self) -> Option<&str> {
        self.rest.wire.specversion.as_deref()
    }

    /// When it happened, in Unix seconds. Some kinds of notifications lack it.
    pub fn time(&self) -> Option<i64> {
        self.rest.wire.time
    }

    /// When it happened. Some kinds of notifications lack it.
    pub fn occurred_at(&self) -> Option<SystemTime> {
        let since_epoch = Duration::from_secs(u64::try_from(self.time()?).ok()?);
        SystemTime::UNIX_EPOCH.checked_add(since_epoch)
    }

    /// Which attempt to deliver it this is, from 1; Nylas makes up to three
    /// ([source](https://developer.nylas.com/docs/v3/notifications/)). Test events lack it.
    pub fn attempt(&self) -> Option<u32> {
        self.rest.wire.attempt
    }

    /// The Nylas application.
    pub fn application_id(&self) -> Option<&str> {
        self.rest.wire.data.application_id.as_deref()
    }

    /// The grant, wherever it stands: in `data`, in the object, in both, or (for transactional
    /// mail and a Notetaker of its own) nowhere. An empty one, as in alerts, counts as none.
    pub fn grant_id(&self) -> Option<Cow<'_, str>> {
        match self.rest.wire.data.grant_id.as_deref() {
            Some(grant_id) if !grant_id.is_empty() => Some(Cow::Borrowed(grant_id)),
            _ => {
                let grant_id = self.find(&["data", "object", "grant_id"])?;
                grant_id
                    .text_or_number()
                    .filter(|grant_id| !grant_id.is_empty())
            }
        }
    }

    /// Whether Nylas left the content of the message out because the notification was larger than
    /// 1 MB. The module `refetch` fetches the object by its id.
    pub fn is_truncated(&self) -> bool {
        self.trigger().is_truncated()
    }

    /// Whether the object is not the one that Nylas sent, which was truncated, but was fetched
    /// since, by a [`RefetchLayer`](crate::RefetchLayer): as it was then, and not when it happened.
    #[cfg(feature = "api")]
    pub fn refetched(&self) -> bool {
        self.body().is_refetched()
    }

    /// Members of the notification beside those above.
    pub fn extra(&self) -> &Map<String, Value> {
        &self.rest.wire.extra
    }

    /// Members of `data` beside `application_id`, `grant_id` and `object`.
    pub fn data_extra(&self) -> &Map<String, Value> {
        &self.rest.wire.data.extra
    }

    /// Why sending failed, in one line: only in `message.send_failed`.
    pub fn reason(&self) -> Option<&str> {
        self.data_extra().get("reason")?.as_str()
    }

    /// Why sending failed, in detail: only in `message.send_failed`.
    pub fn error(&self) -> Option<SendError> {
        SendError::deserialize(self.data_extra().get("error")?).ok()
    }

    /// The values that did not fit their fields and were taken out, of the object or of what is
    /// around it, and why; empty for nearly every notification. See the [module](crate::notification#what-does-not-fit).
    ///
    /// ```
    /// # use tower_nylas::{Secrets, VerifiedBody, WebhookSecret};
    /// use tower_nylas::{Notification, notification::object::Message};
    ///
    /// # let body = bytes::Bytes::from_static(br#"{"type":"message.created","data":{"object":
    /// #     {"id":42,"grant_id":"g","date":"1790252200","subject":["no","string"],"unread":true}}}"#);
    /// # let secrets = Secrets::new("an-invented-secret")?;
    /// # let signature = WebhookSecret::new("an-invented-secret")?.sign(&body);
    /// # let body = VerifiedBody::verify(body, &signature, &secrets)?;
    /// // {"id":42,"date":"1790252200","subject":["no","string"],"unread":true,…}
    /// let mail = Notification::<Message>::try_from(body)?;
    /// assert_eq!((&*mail.object.id, mail.object.date), ("42", Some(1_790_252_200)));
    /// assert_eq!((&mail.object.subject, mail.object.unread), (&None, Some(true)));
    /// let [unfit] = mail.unfit() else { panic!() };
    /// assert_eq!(unfit.to_string(), "/data/object/subject is not a string");
    /// assert_eq!(unfit.value()[0], "no");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn unfit(&self) -> &[Unfit] {
        &self.rest.unfit
    }

    /// `data.object` as it was sent, as JSON text.
    pub fn raw_object(&self) -> Option<&[u8]> {
        Some(self.find(&["data", "object"])?.json)
    }

    /// The extensions of the request: what outer layers know about the tenant or the peer. Empty
    /// for a notification that did not come by HTTP.
    pub fn extensions(&self) -> &Extensions {
        &self.rest.extensions
    }

    /// The verified bytes.
    pub fn body(&self) -> &VerifiedBody {
        &self.rest.body
    }

    /// The same notification around something else.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Notification<U> {
        Notification {
            object: change(self.object),
            rest: self.rest,
        }
    }

    /// The text or the number at this path from the top, if there is one.
    #[cfg(feature = "api")]
    pub(crate) fn text_at(&self, path: &[&str]) -> Option<Cow<'_, str>> {
        text_at(self.body().bytes(), path)
    }

    pub(super) fn find(&self, path: &[&str]) -> Option<RawValue<'_>> {
        reader::find(self.body().bytes(), path)
    }
}

/// What the bytes of a notification say.
struct Content<T> {
    object: T,
    wire: Wire<()>,
    unfit: Box<[Unfit]>,
}

impl<T: Payload> Content<T> {
    fn read(json: &[u8]) -> Result<Self, MalformedReason> {
        if let Ok(wire) = T::read(json) {
            let (object, wire) = wire.replace(());
            return Ok(Self {
                object,
                wire,
                unfit: Box::default(),
            });
        }
        let Reread {
            object,
            wire,
            unfit,
        } = reread(json)?;
        Ok(Self {
            object,
            wire,
            unfit: unfit.into(),
        })
    }

    fn of(self, body: VerifiedBody, extensions: Extensions) -> Notification<T> {
        Notification {
            object: self.object,
            rest: Rest {
                wire: self.wire,
                unfit: self.unfit,
                extensions,
                body,
            },
        }
    }
}

#[cold]
fn malformed(reason: MalformedReason, request: Request<VerifiedBody>) -> Malformed {
    let trigger = match Kind::of(request.body().bytes()) {
        Kind::Trigger(name) => Some(Trigger::from(&*name)),
        Kind::Deltas | Kind::Malformed(_) => None,
    };
    Malformed::new(reason, trigger, request)
}

impl<T: Payload> Notification<T> {
    pub(crate) fn read(body: VerifiedBody, extensions: Extensions) -> Result<Self, Malformed> {
        match Content::read(body.bytes()) {
            Ok(content) => Ok(content.of(body, extensions)),
            Err(reason) => {
                let mut request = Request::new(body);
                *request.extensions_mut() = extensions;
                Err(malformed(reason, request))
            }
        }
    }
}

/// Keeps the request's extensions.
impl<T: Payload> TryFrom<Request<VerifiedBody>> for Notification<T> {
    type Error = Malformed;

    fn try_from(request: Request<VerifiedBody>) -> Result<Self, Self::Error> {
        match Content::read(request.body().bytes()) {
            Ok(content) => {
                let (parts, body) = request.into_parts();
                Ok(content.of(body, parts.extensions))
            }
            Err(reason) => Err(malformed(reason, request)),
        }
    }
}

impl<T: Payload> TryFrom<VerifiedBody> for Notification<T> {
    type Error = Malformed;

    fn try_from(body: VerifiedBody) -> Result<Self, Self::Error> {
        Self::read(body, Extensions::new())
    }
}

impl<T> fmt::Debug for Notification<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notification")
            .field("trigger", &format_args!("{}", self.trigger()))
            .field("id", &self.id())
            .field("source", &self.rest.wire.source)
            .field("time", &self.rest.wire.time)
            .field("attempt", &self.rest.wire.attempt)
            .finish_non_exhaustive()
    }
}
