//! Notifications read as every type there is. The oracle: the members of `serde_json`'s reading,
//! picked by hand, and the promise that an object written again equals what it came from.

use std::time::{Duration, SystemTime};

use http::Uri;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tower_nylas::{
    Notification,
    api::{Api, GetObject, Operation},
    notification::{
        Deltas, Envelope,
        object::{
            Alert, Booking, BounceDetected, Calendar, Contact, ContactDeleted, Event, EventDeleted,
            Folder, Grant, Intelligence, LegacyTracking, LinkClicked, Message, MessageBounced,
            MessageComplaint, MessageDeleted, MessageDelivered, MessageOpened, MessageRejected,
            Notetaker, Object, SendResult, ThreadReplied,
        },
    },
    testing,
};

use super::tree::Tree;
use crate::{
    accounting::{accounts_for_all, is_same, without_nulls},
    reference::naive,
};

pub fn run(data: &[u8]) {
    let tree = Tree::read(data);
    deltas(data, tree.as_ref());
    let read = Notification::<Value>::try_from(testing::verified(data.to_vec()));
    let facts = tree.as_ref().and_then(Facts::of);
    let (notification, facts) = match (read, facts) {
        (Ok(notification), Some(facts)) => (notification, facts),
        (Err(_), None) => {
            no_type_reads_it(data);
            return;
        }
        // Its JSON has faults, it lacks an object, or members of its envelope are there twice.
        (Ok(notification), None) => {
            let first = tree
                .as_ref()
                .map(|tree| tree.get("type").and_then(Tree::text));
            if let Some(first) = first {
                assert_eq!(Some(notification.trigger().to_string().as_str()), first);
            }
            refetch(&notification);
            return;
        }
        (Err(why), Some(_)) => panic!("{why}"),
    };
    facts.check(&notification);
    accessors(&notification, &facts);
    refetch(&notification);
    typed(data, &facts);
    by_trigger(data, &facts);
}

const ENVELOPE: [&str; 7] = [
    "specversion",
    "type",
    "source",
    "id",
    "time",
    "webhook_delivery_attempt",
    "data",
];

/// What a notification says, by the definition of its format.
struct Facts<'a> {
    top: &'a Tree,
    data: &'a Tree,
    object: &'a Tree,
    name: &'a str,
}

impl<'a> Facts<'a> {
    /// `None` if this is no notification.
    fn of(top: &'a Tree) -> Option<Self> {
        top.without(&ENVELOPE)?;
        let data = top.get("data")?;
        data.without(&["application_id", "grant_id", "object"])?;
        Some(Self {
            top,
            data,
            object: data.get("object")?,
            name: top.get("type")?.text()?,
        })
    }

    fn check(&self, read: &Notification<Value>) {
        assert_eq!(read.trigger().to_string(), self.name);
        self.check_texts(read);
        let time = whole_number(self.top, "time");
        assert_eq!(read.time(), time);
        let attempt = whole_number(self.top, "webhook_delivery_attempt");
        let attempt = attempt.filter(|attempt| (0..=u32::MAX.into()).contains(attempt));
        assert_eq!(read.attempt().map(i64::from), attempt);
        // A number out of range may have become a text.
        let extra = self.data.without(&["application_id", "grant_id", "object"]);
        for (read, sent) in [
            (read.object.clone(), Some(self.object.to_value())),
            (
                read.extra().clone().into(),
                self.top.without(&ENVELOPE).map(Value::Object),
            ),
            (read.data_extra().clone().into(), extra.map(Value::Object)),
        ] {
            assert!(sent.is_some_and(|sent| is_same(&sent, &read)), "{read}");
        }
        self.check_unfit(read, time, attempt);
        let raw = serde_json::from_slice::<Tree>(read.raw_object().unwrap());
        assert_eq!(raw.unwrap(), *self.object);
        occurred_at(read.occurred_at(), time);
    }

    fn check_texts(&self, read: &Notification<Value>) {
        let not_empty = |grant_id: &String| !grant_id.is_empty();
        let grant_id = text(self.data, "grant_id").filter(not_empty);
        let grant_id = grant_id.or_else(|| text(self.object, "grant_id").filter(not_empty));
        for (read, sent) in [
            (read.id(), text(self.top, "id")),
            (read.source(), text(self.top, "source")),
            (read.specversion(), text(self.top, "specversion")),
            (read.application_id(), text(self.data, "application_id")),
            (read.grant_id().as_deref(), grant_id),
        ] {
            assert_eq!(read.map(plain), sent.as_deref().map(plain));
        }
    }

    /// What stands in the envelope and was not read is listed, and nothing else is.
    fn check_unfit(&self, read: &Notification<Value>, time: Option<i64>, attempt: Option<i64>) {
        let texts = [
            (self.data, "/data/", "application_id"),
            (self.data, "/data/", "grant_id"),
            (self.top, "/", "id"),
            (self.top, "/", "source"),
            (self.top, "/", "specversion"),
        ];
        let texts = texts.map(|(tree, base, name)| (tree, base, name, text(tree, name).is_some()));
        let numbers = [
            (self.top, "/", "time", time.is_some()),
            (self.top, "/", "webhook_delivery_attempt", attempt.is_some()),
        ];
        let mut expected = Vec::new();
        for (tree, base, name, is_read) in texts.into_iter().chain(numbers) {
            let value = tree.get(name).map(Tree::to_value).unwrap_or_default();
            if !value.is_null() && !is_read {
                expected.push((format!("{base}{name}"), value));
            }
        }
        let mut listed: Vec<_> = read
            .unfit()
            .iter()
            .map(|unfit| (unfit.path(), unfit.value()))
            .collect();
        listed.sort_by_key(|(path, _)| *path);
        assert_eq!(listed.len(), expected.len());
        for ((path, value), (expected, sent)) in listed.into_iter().zip(&expected) {
            assert_eq!(path, expected);
            assert!(is_same(sent, value), "{path} {sent} {value}");
        }
    }
}

/// The same for all spellings of a number that no integer holds.
pub(crate) fn plain(text: &str) -> String {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && number.abs() > 9e18 => format!("{number:.12e}"),
        _ => text.to_owned(),
    }
}

/// A text, or a number as text.
pub(crate) fn text(tree: &Tree, name: &str) -> Option<String> {
    match tree.get(name)? {
        Tree::Leaf(Value::String(text)) => Some(text.clone()),
        Tree::Leaf(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    }
}

/// A whole number, or the text of one; a fraction of zero does not count.
pub(crate) fn whole_number(tree: &Tree, name: &str) -> Option<i64> {
    let (whole, double) = match tree.get(name)? {
        Tree::Leaf(Value::String(text)) => (text.parse().ok(), text.parse().ok()),
        Tree::Leaf(Value::Number(number)) => (number.as_i64(), number.as_f64()),
        _ => return None,
    };
    let double: Option<f64> = double.filter(|double: &f64| double.abs() < 2_f64.powi(53));
    let double = double.filter(|double| double.fract() == 0.0);
    #[allow(clippy::cast_possible_truncation)]
    whole.or_else(|| double.map(|double| double as i64))
}

fn occurred_at(read: Option<SystemTime>, time: Option<i64>) {
    let seconds = time.filter(|time| *time >= 0);
    let read = read.map(|at| at.duration_since(SystemTime::UNIX_EPOCH).unwrap());
    assert_eq!(
        read,
        seconds.map(|seconds| Duration::from_secs(seconds.unsigned_abs()))
    );
}

fn accessors(read: &Notification<Value>, facts: &Facts<'_>) {
    let envelope = Envelope::peek(read.body()).unwrap();
    assert_eq!(envelope.name(), facts.name);
    assert_eq!(envelope.trigger(), *read.trigger());
    assert_eq!(envelope.id(), read.id());
    assert_eq!(envelope.time(), read.time());
    assert_eq!(envelope.attempt(), read.attempt());
    assert_eq!(
        read.is_truncated(),
        facts
            .name
            .split('.')
            .skip(2)
            .any(|part| part == "truncated")
            && read.trigger().kind().as_str().len() < facts.name.len()
    );
    let reason = read.data_extra().get("reason");
    assert_eq!(read.reason(), reason.and_then(Value::as_str));
    let error = read.data_extra().get("error").cloned();
    let error = error.and_then(|error| serde_json::from_value(error).ok());
    assert_eq!(read.error(), error);
    let shown = format!("{read:?}");
    let mapped = read.clone().map(|_| ());
    assert_eq!(format!("{mapped:?}"), shown);
    assert_eq!(mapped.grant_id(), read.grant_id());
}

/// Whatever the ids are, the path stays inside the API.
fn refetch(read: &Notification<Value>) {
    let Ok(get) = GetObject::of(read) else {
        return;
    };
    let api = Api::us("an-invented-key").unwrap();
    let request = get.request(&api);
    let uri: &Uri = request.uri();
    assert_eq!(uri.host(), Some("api.us.nylas.com"));
    let segments: Vec<Vec<u8>> = uri
        .path()
        .split('/')
        .skip(1)
        .map(|segment| naive::form_decode(segment.as_bytes()))
        .collect();
    assert_eq!(segments[0], b"v3");
    for segment in &segments {
        assert!(![&b""[..], b".", b".."].contains(&&segment[..]));
    }
    let expected = match &segments[1][..] {
        b"grants" => {
            let grant_id = read.grant_id().unwrap();
            assert_eq!(segments[2], grant_id.as_bytes());
            3..=6
        }
        b"scheduling" => 4..=4,
        b"notetakers" => 3..=3,
        _ => panic!("{uri}"),
    };
    assert!(expected.contains(&segments.len()));
    if let Some(query) = uri.query() {
        assert_eq!(query.matches(['&', '=', '?', '#']).count(), 1);
    }
}

macro_rules! all_types {
    ($call:ident $arguments:tt) => {
        all_types!($call $arguments
            Alert Grant Message MessageDeleted SendResult BounceDetected MessageOpened LinkClicked
            ThreadReplied LegacyTracking Folder Calendar Event EventDeleted Contact ContactDeleted
            Booking Notetaker Intelligence MessageBounced MessageComplaint MessageDelivered
            MessageRejected)
    };
    ($call:ident $arguments:tt $($name:ident)+) => {
        $($call::<$name> $arguments;)+
    };
}

fn typed(data: &[u8], facts: &Facts<'_>) {
    let object = serde_json::to_vec(&facts.object.to_value()).unwrap();
    all_types!(agrees(data, &object, facts));
}

/// An object inside a notification reads as it does alone, and is written as it was; or it is read
/// leniently, and what was taken out is listed.
fn agrees<T>(data: &[u8], object: &[u8], facts: &Facts<'_>)
where
    T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug + Send + 'static,
{
    let inside = Notification::<T>::try_from(testing::verified(data.to_vec()));
    let alone = serde_json::from_slice::<T>(object);
    match (inside, alone) {
        (Ok(notification), Ok(alone)) => {
            assert_eq!(taken_out_of_object(&notification), []);
            let written = serde_json::to_value(&notification.object).unwrap();
            let object = facts.object.to_value();
            if notification.object == alone {
                assert_same(written, object);
            } else {
                // Members that are there twice were refused at once.
                accounts_for_all(&object, "/data/object", written, Vec::new());
            }
        }
        (Ok(notification), Err(_)) => {
            let taken_out = taken_out_of_object(&notification);
            let written = serde_json::to_value(&notification.object).unwrap();
            let object = facts.object.to_value();
            accounts_for_all(&object, "/data/object", written, taken_out);
        }
        (Err(_), Err(_)) => {}
        (Err(why), Ok(_)) => panic!("{why}"),
    }
}

/// Without what was taken out of the envelope.
fn taken_out_of_object<T>(read: &Notification<T>) -> Vec<(&str, &Value)> {
    let unfit = read.unfit().iter();
    unfit
        .map(|unfit| (unfit.path(), unfit.value()))
        .filter(|(path, _)| path.starts_with("/data/object"))
        .collect()
}

fn assert_same(written: Value, original: Value) {
    // An object that may be missing altogether is written as an empty one.
    let may_be_missing = original.is_null() && written.is_object();
    let original = if may_be_missing { json!({}) } else { original };
    assert_eq!(without_nulls(written), without_nulls(original));
}

/// [`Object`] takes the type that its table has for the trigger.
fn by_trigger(data: &[u8], facts: &Facts<'_>) {
    let stem = stem(facts.name);
    let row = Object::TYPES.iter().find(|(trigger, _)| *trigger == stem);
    let expected = row.map_or("Unknown", |(_, name)| name);
    let read = Notification::<Object>::try_from(testing::verified(data.to_vec())).unwrap();
    assert!([expected, "Unknown"].contains(&read.object.type_name()));
    let taken_out = taken_out_of_object(&read);
    let written = serde_json::to_value(&read.object).unwrap();
    let original = facts.object.to_value();
    let may_be_missing = original.is_null() && written.is_object();
    let original = if may_be_missing { json!({}) } else { original };
    accounts_for_all(&original, "/data/object", written, taken_out);
}

/// The name without `.transformed` and `.truncated`, in either order, each once, as long as two
/// segments remain.
fn stem(name: &str) -> &str {
    let cut = |name: &'_ str, suffix: &str| {
        let stem = name.strip_suffix(suffix)?;
        stem.contains('.').then_some(stem.len())
    };
    let (one, other) = (".transformed", ".truncated");
    for (last, before) in [(one, other), (other, one)] {
        if let Some(end) = cut(name, last) {
            let rest = &name[..end];
            return cut(rest, before).map_or(rest, |end| &rest[..end]);
        }
    }
    name
}

/// `Value` is the most lenient type.
fn no_type_reads_it(data: &[u8]) {
    fn refuses<T: DeserializeOwned + Send + 'static>(data: &[u8]) {
        assert!(Notification::<T>::try_from(testing::verified(data.to_vec())).is_err());
    }
    all_types!(refuses(data));
}

fn deltas(data: &[u8], tree: Option<&Tree>) {
    let read = Deltas::from_slice(data);
    let Some(tree) = tree else { return };
    // Read at once or not, another one of several members of one name counts.
    if tree.members().is_some() && tree.without(&[]).is_none() {
        return;
    }
    let Ok(read) = read else {
        let tree = tree.to_value();
        let deltas = tree.get("deltas");
        let list = |deltas: &Value| deltas.is_null() || deltas.is_array() || deltas.is_object();
        assert!(!tree.is_object() || deltas.is_some_and(|deltas| !list(deltas)));
        return;
    };
    let taken_out = read.unfit().iter();
    let taken_out = taken_out
        .map(|unfit| (unfit.path(), unfit.value()))
        .collect();
    let written = serde_json::to_value(&read).unwrap();
    accounts_for_all(&tree.to_value(), "", written, taken_out);
    if !read.unfit().is_empty() || serde_json::from_slice::<Deltas>(data).is_err() {
        return;
    }
    for (delta, original) in read
        .deltas
        .iter()
        .zip(tree.get("deltas").into_iter().flat_map(items))
    {
        let at = |name| original.get(name).and_then(|at| at.to_value().as_i64());
        assert_eq!(delta.occurred_at(), at("date").or(at("time")));
        let Some(object) = &delta.object_data else {
            continue;
        };
        if let Some(tracking) = object.tracking() {
            let written = serde_json::to_value(&tracking).unwrap();
            let metadata = object.metadata.as_map().unwrap().clone();
            assert_eq!(without_nulls(written), without_nulls(metadata.into()));
        }
    }
}

fn items(tree: &Tree) -> &[Tree] {
    match tree {
        Tree::Array(items) => items,
        _ => &[],
    }
}
