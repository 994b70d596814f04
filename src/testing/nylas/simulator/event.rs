//! What happens at Nylas, and the notification of it.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::{DestinationId, PayloadSize, Readings, TruncatedBody, destination::ALPHANUMERIC};
use crate::{
    testing::{Change, gzip, nylas::random::Random, samples},
    trigger::Trigger,
};

/// Something that happens, of which Nylas notifies the destinations that are subscribed to it.
///
/// The notification is the [sample](crate::testing::sample) of the trigger with an id, a time and an
/// object's id of its own.
///
/// ```
/// use tower_nylas::testing::nylas::Event;
///
/// let event = Event::new("message.created")
///     .set("data.object.subject", "Invoice 7")
///     .duplicates(1);
/// ```
#[derive(Debug, Clone)]
pub struct Event {
    trigger: String,
    changes: Vec<Change>,
    raw: Option<Bytes>,
    id: Option<String>,
    object_id: Option<String>,
    size: usize,
    duplicates: u32,
    only_to: Option<DestinationId>,
    is_compressed: bool,
}

impl Event {
    /// An event of this trigger. A name with `.transformed`, `.metadata` or `.truncated` goes to
    /// those that are subscribed to the name before it, as Nylas sends it.
    pub fn new(trigger: impl Into<String>) -> Self {
        Self {
            trigger: trigger.into(),
            changes: Vec::new(),
            raw: None,
            id: None,
            object_id: None,
            size: 0,
            duplicates: 0,
            only_to: None,
            is_compressed: false,
        }
    }

    /// An event whose notification has exactly this body, at all attempts, readable or not.
    pub fn raw(trigger: impl Into<String>, body: impl Into<Bytes>) -> Self {
        Self {
            raw: Some(body.into()),
            ..Self::new(trigger)
        }
    }

    /// Replaces a value of the sample, as in [`sample_with`](crate::testing::sample_with).
    #[must_use]
    pub fn set(self, path: &str, value: impl Into<Value>) -> Self {
        self.change(Change::set(path, value))
    }

    /// Changes the sample.
    #[must_use]
    pub fn change(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }

    /// The id of the notification; by default 26 characters chosen by the seed.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// The id of the object; by default one that is chosen by the seed.
    #[must_use]
    pub fn object_id(mut self, id: impl Into<String>) -> Self {
        self.object_id = Some(id.into());
        self
    }

    /// How many bytes the notification has at least: the text of the message, or of the event's
    /// description, is filled up. Above [the limit](Readings::max_payload), a message is
    /// truncated.
    #[must_use]
    pub fn size(mut self, bytes: usize) -> Self {
        self.size = bytes;
        self
    }

    /// How many times the provider reports the same thing once more: notifications of the same
    /// object with other ids ([source](https://developer.nylas.com/docs/v3/notifications/)).
    #[must_use]
    pub fn duplicates(mut self, more: u32) -> Self {
        self.duplicates = more;
        self
    }

    /// Notifies only this destination, and only if it is subscribed; by default all that are.
    #[must_use]
    pub fn only_to(mut self, destination: &DestinationId) -> Self {
        self.only_to = Some(destination.clone());
        self
    }

    /// Sends it with gzip, also to destinations without
    /// [`compressed_delivery`](super::NewDestination::compressed_delivery).
    #[must_use]
    pub fn compressed(mut self) -> Self {
        self.is_compressed = true;
        self
    }

    pub(super) fn is_meant_for(&self, destination: &DestinationId) -> bool {
        let only = self.only_to.as_ref();
        only.is_none_or(|only| only == destination)
    }

    /// How many notifications come of it.
    pub(super) fn notifications(&self) -> u32 {
        self.duplicates.saturating_add(1)
    }

    /// One of its notifications. Its objects' id comes from `object`, everything else from
    /// `random`.
    ///
    /// # Panics
    ///
    /// Panics as [`sample_with`](crate::testing::sample_with) does.
    pub(super) fn notification(
        &self,
        number: u32,
        time: u64,
        readings: &Readings,
        object: &mut Random,
        random: &mut Random,
    ) -> Notification {
        let given = self.id.clone().filter(|_| number == 0);
        let id = given.unwrap_or_else(|| random.text(26, ALPHANUMERIC));
        if let Some(body) = &self.raw {
            return Notification {
                id: id.into(),
                form: Form {
                    trigger: self.trigger.as_str().into(),
                    content: Content::Raw(body.clone()),
                },
                compressed: None,
                is_compressed: self.is_compressed,
                whole: None,
            };
        }
        let value = samples::changed(&self.trigger, std::iter::empty::<Change>());
        let Value::Object(mut envelope) = value else {
            unreachable!("samples are objects");
        };
        envelope.insert("id".to_owned(), id.as_str().into());
        envelope.insert("time".to_owned(), time.into());
        envelope.insert(ATTEMPT.to_owned(), 1.into());
        let object_id = self.object_id.clone();
        let object_id = object_id.unwrap_or_else(|| object.text(16, b"0123456789abcdef"));
        let place = envelope
            .get_mut("data")
            .and_then(|data| data.get_mut("object"));
        if let Some(place) = place.and_then(|object| object.get_mut("id")) {
            *place = object_id.into();
        }
        let mut value = Value::Object(envelope);
        for change in &self.changes {
            change.apply_to(&self.trigger, &mut value);
        }
        let Value::Object(mut envelope) = value else {
            unreachable!("a change does not replace the whole");
        };
        let mut content = Content::of(&envelope);
        if self.fill(&mut envelope, &content) {
            content = Content::of(&envelope);
        }
        let trigger = |envelope: &Map<String, Value>| {
            let name = envelope.get("type").and_then(Value::as_str);
            name.unwrap_or(&self.trigger).into()
        };
        // A change may have replaced it.
        let changed = envelope.get("id").and_then(Value::as_str);
        let id = changed.unwrap_or(&id).into();
        let mut form = Form {
            trigger: trigger(&envelope),
            content,
        };
        let mut compressed = None;
        let whole = truncate(&mut envelope, form.content.length(), readings);
        if whole.is_some() {
            let truncated = Form {
                trigger: trigger(&envelope),
                content: Content::of(&envelope),
            };
            let large = std::mem::replace(&mut form, truncated);
            compressed = Some(large).filter(|large| large.fits_compressed(readings));
        }
        Notification {
            id,
            form,
            compressed,
            is_compressed: self.is_compressed,
            whole,
        }
    }

    /// Whether anything was missing.
    fn fill(&self, envelope: &mut Map<String, Value>, content: &Content) -> bool {
        let missing = self.size.saturating_sub(content.length());
        let object = envelope
            .get_mut("data")
            .and_then(|data| data.get_mut("object"));
        let Some(Value::Object(object)) = object.filter(|_| missing > 0) else {
            return false;
        };
        let field = ["body", "description"];
        let field = field.into_iter().find(|name| object.contains_key(*name));
        let text = object.entry(field.unwrap_or("body")).or_insert(Value::Null);
        let filled = text.as_str().unwrap_or_default().to_owned() + &"x".repeat(missing);
        *text = filled.into();
        true
    }
}

/// The object as it was, if this notification is too large.
fn truncate(
    envelope: &mut Map<String, Value>,
    length: usize,
    readings: &Readings,
) -> Option<Value> {
    let name = envelope.get("type")?.as_str()?.to_owned();
    let is_truncated = Trigger::from(&*name).is_truncated();
    if !name.starts_with("message.") || is_truncated || length <= readings.max_payload {
        return None;
    }
    let object = envelope.get_mut("data")?.get_mut("object")?;
    let whole = object.clone();
    let fields = object.as_object_mut()?;
    match readings.truncated_body {
        TruncatedBody::Empty => fields.insert("body".to_owned(), "".into()),
        TruncatedBody::Absent => fields.remove("body"),
    };
    envelope.insert("type".to_owned(), format!("{name}.truncated").into());
    Some(whole)
}

impl From<&str> for Event {
    fn from(trigger: &str) -> Self {
        Self::new(trigger)
    }
}

impl From<String> for Event {
    fn from(trigger: String) -> Self {
        Self::new(trigger)
    }
}

/// What the destinations get.
pub(super) struct Notification {
    pub(super) id: Arc<str>,
    form: Form,
    /// What is sent with gzip, if it is not the same.
    compressed: Option<Form>,
    /// Whatever its destinations ask for.
    pub(super) is_compressed: bool,
    /// The object of one that was truncated.
    pub(super) whole: Option<Value>,
}

/// A notification as it is sent: whole or truncated.
struct Form {
    /// With its suffixes.
    trigger: Arc<str>,
    content: Content,
}

impl Form {
    fn fits_compressed(&self, readings: &Readings) -> bool {
        match readings.payload_size {
            PayloadSize::BeforeGzip => false,
            PayloadSize::AfterGzip => gzip(&self.content.body(1)).len() <= readings.max_payload,
        }
    }
}

impl Notification {
    /// The name of its trigger in the form that is sent with gzip, or in the other one.
    pub(super) fn trigger(&self, is_compressed: bool) -> &Arc<str> {
        &self.form(is_compressed).trigger
    }

    pub(super) fn body(&self, attempt: u32, is_compressed: bool) -> Bytes {
        self.form(is_compressed).content.body(attempt)
    }

    fn form(&self, is_compressed: bool) -> &Form {
        let compressed = self.compressed.as_ref().filter(|_| is_compressed);
        compressed.unwrap_or(&self.form)
    }
}

enum Content {
    Raw(Bytes),
    /// Around the number of the attempt.
    Counted {
        before: String,
        after: String,
    },
}

const ATTEMPT: &str = "webhook_delivery_attempt";

/// The order of a captured notification, whose objects are in alphabetical order
/// ([source](https://github.com/Nylas/nylas-java/pull/239)).
const FIELDS: [&str; 7] = [
    "specversion",
    "type",
    "source",
    "id",
    "time",
    ATTEMPT,
    "data",
];

impl Content {
    fn of(envelope: &Map<String, Value>) -> Self {
        let first = FIELDS
            .iter()
            .filter_map(|name| envelope.get_key_value(*name));
        let rest = envelope
            .iter()
            .filter(|(name, _)| !FIELDS.contains(&name.as_str()));
        let (mut text, mut before) = (String::from("{"), None);
        for (name, value) in first.chain(rest) {
            if text.len() > 1 || before.is_some() {
                text.push(',');
            }
            text.push_str(&Value::from(name.as_str()).to_string());
            text.push(':');
            if name == ATTEMPT && *value == 1 {
                before = Some(std::mem::take(&mut text));
            } else {
                text.push_str(&value.to_string());
            }
        }
        text.push('}');
        match before {
            Some(before) => Self::Counted {
                before,
                after: text,
            },
            None => Self::Raw(text.into()),
        }
    }

    fn body(&self, attempt: u32) -> Bytes {
        match self {
            Self::Raw(body) => body.clone(),
            Self::Counted { before, after } => format!("{before}{attempt}{after}").into(),
        }
    }

    /// With one digit for the attempt.
    fn length(&self) -> usize {
        match self {
            Self::Raw(body) => body.len(),
            Self::Counted { before, after } => before.len() + 1 + after.len(),
        }
    }
}
