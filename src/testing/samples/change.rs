//! Samples with other values.

use serde_json::Value;

use super::sample;

/// A change of a sample, for [`sample_with`].
///
/// A path is the names of fields and the indices of elements, as in `data.object.to.0.email`, or a
/// JSON pointer, as [`Unfit::path`](crate::notification::Unfit::path) has it:
/// `/data/object/to/0/email`.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    path: String,
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Set(Value),
    Add(Value),
    Remove,
}

impl Change {
    /// Replaces a value. So does a pair of path and value.
    pub fn set(path: &str, value: impl Into<Value>) -> Self {
        Self::new(path, Kind::Set(value.into()))
    }

    /// Adds a field that the sample does not have, to an object.
    pub fn add(path: &str, value: impl Into<Value>) -> Self {
        Self::new(path, Kind::Add(value.into()))
    }

    /// Removes a field of an object.
    pub fn remove(path: &str) -> Self {
        Self::new(path, Kind::Remove)
    }

    fn new(path: &str, kind: Kind) -> Self {
        Self {
            path: path.to_owned(),
            kind,
        }
    }

    /// Changes the sample of this trigger.
    ///
    /// # Panics
    ///
    /// Panics if the path does not allow it.
    pub(in crate::testing) fn apply_to(&self, trigger: &str, notification: &mut Value) {
        self.apply(notification).unwrap_or_else(|| {
            panic!(
                "in the sample of `{trigger}`, `{}` {}",
                self.path,
                self.hindrance()
            )
        });
    }

    /// `None` if the path does not allow it.
    fn apply(&self, notification: &mut Value) -> Option<()> {
        let pointer = if self.path.starts_with('/') {
            self.path.clone()
        } else {
            format!("/{}", self.path.replace('.', "/"))
        };
        if let Kind::Set(value) = &self.kind {
            *notification.pointer_mut(&pointer)? = value.clone();
            return Some(());
        }
        let (parent, name) = pointer.rsplit_once('/')?;
        let fields = notification.pointer_mut(parent)?.as_object_mut()?;
        // RFC 6901, 4.
        let name = name.replace("~1", "/").replace("~0", "~");
        match &self.kind {
            Kind::Add(value) if !fields.contains_key(&name) => {
                fields.insert(name, value.clone());
                Some(())
            }
            Kind::Remove => fields.remove(&name).map(drop),
            _ => None,
        }
    }

    /// Why the path does not allow it.
    fn hindrance(&self) -> &'static str {
        match self.kind {
            Kind::Set(_) => "does not exist",
            Kind::Add(_) => "exists, or is no field of an object",
            Kind::Remove => "is no field of an object",
        }
    }
}

impl<V: Into<Value>> From<(&str, V)> for Change {
    fn from((path, value): (&str, V)) -> Self {
        Self::set(path, value)
    }
}

/// The [`sample`] notification of a trigger with other values, as compact JSON.
///
/// ```
/// use serde_json::json;
/// use tower_nylas::testing::{Change, sample_with};
///
/// let invoice = sample_with("message.created", [("data.object.subject", "Invoice 7")]);
/// assert!(invoice.contains(r#""subject":"Invoice 7""#));
///
/// let unlike = sample_with("message.created", [
///     Change::set("data.object.to.0.email", "sales@example.com"),
///     Change::add("data.object.headers", json!([{ "name": "List-Id", "value": "news" }])),
///     Change::remove("time"),
/// ]);
/// assert!(unlike.contains(r#""headers":[{"name":"List-Id","value":"news"}]"#));
/// ```
///
/// # Panics
///
/// Panics if there is no such sample, if it lacks a path that is to be [set](Change::set) or
/// [removed](Change::remove), or has one that is to be [added](Change::add): with a misspelled
/// name, a test would check nothing.
pub fn sample_with<C>(trigger: &str, changes: C) -> String
where
    C: IntoIterator<Item: Into<Change>>,
{
    changed(trigger, changes).to_string()
}

/// The same as a value.
pub(in crate::testing) fn changed<C>(trigger: &str, changes: C) -> Value
where
    C: IntoIterator<Item: Into<Change>>,
{
    let body = sample(trigger).unwrap_or_else(|| panic!("there is no sample of `{trigger}`"));
    let mut notification = serde_json::from_str(body).expect("samples are JSON");
    for change in changes.into_iter().map(Into::into) {
        change.apply_to(trigger, &mut notification);
    }
    notification
}
