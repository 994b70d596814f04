//! What a notification can be read as.

use std::fmt;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, value::RawValue};

use super::object::Object;
use crate::trigger::Suffix;

/// What the `data.object` of a notification is read as: any type that implements
/// [`serde::Deserialize`] without borrowing, and [`Object`].
pub trait Payload: Sized + Send + 'static {
    #[doc(hidden)]
    fn read(json: &[u8]) -> serde_json::Result<Wire<Self>>;
}

impl<T: DeserializeOwned + Send + 'static> Payload for T {
    fn read(json: &[u8]) -> serde_json::Result<Wire<Self>> {
        serde_json::from_slice(json)
    }
}

/// Reads the type that belongs to the trigger, which may come after the object.
impl Payload for Object {
    fn read(json: &[u8]) -> serde_json::Result<Wire<Self>> {
        let wire: Wire<Option<Box<RawValue>>> = serde_json::from_slice(json)?;
        let (stem, _) = Suffix::split(&wire.name);
        let raw = wire.data.object.as_deref().map_or("null", RawValue::get);
        let object = Self::parse(stem, raw)?;
        Ok(wire.around(object))
    }
}

/// A notification as it stands in the body
/// ([source](https://developer.nylas.com/docs/reference/notifications/)).
#[doc(hidden)]
#[derive(Clone, Deserialize)]
pub struct Wire<T> {
    #[serde(default, deserialize_with = "lenient_text")]
    pub(super) specversion: Option<String>,
    #[serde(rename = "type")]
    pub(super) name: String,
    #[serde(default, deserialize_with = "lenient_text")]
    pub(super) source: Option<String>,
    #[serde(default, deserialize_with = "lenient_text")]
    pub(super) id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) time: Option<i64>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) webhook_delivery_attempt: Option<i64>,
    pub(super) data: Data<T>,
    #[serde(flatten)]
    pub(super) extra: Map<String, Value>,
}

impl<T> Wire<T> {
    fn around<U>(self, object: U) -> Wire<U> {
        Wire {
            specversion: self.specversion,
            name: self.name,
            source: self.source,
            id: self.id,
            time: self.time,
            webhook_delivery_attempt: self.webhook_delivery_attempt,
            data: Data {
                application_id: self.data.application_id,
                grant_id: self.data.grant_id,
                object,
                extra: self.data.extra,
            },
            extra: self.extra,
        }
    }
}

#[doc(hidden)]
#[derive(Clone, Deserialize)]
pub struct Data<T> {
    #[serde(default, deserialize_with = "lenient_text")]
    pub(super) application_id: Option<String>,
    #[serde(default, deserialize_with = "lenient_text")]
    pub(super) grant_id: Option<String>,
    pub(super) object: T,
    #[serde(flatten)]
    pub(super) extra: Map<String, Value>,
}

impl<T> fmt::Debug for Wire<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Data<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Data").finish_non_exhaustive()
    }
}

/// A number, also where it is written as a string. Anything else is as good as absent: a
/// notification is not refused for the sake of its time.
fn lenient<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    })
}

/// A text, also where it is a number. Anything else is as good as absent.
fn lenient_text<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}
