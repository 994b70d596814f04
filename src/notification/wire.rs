//! A notification as it stands in the body.

use std::fmt;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::fit::whole_number;
use crate::trigger::Trigger;

/// A notification around its object, as serde reads it
/// ([source](https://developer.nylas.com/docs/reference/notifications/)).
#[doc(hidden)]
#[derive(Clone, Deserialize)]
pub struct Wire<T> {
    #[serde(rename = "type", deserialize_with = "trigger")]
    pub(super) trigger: Trigger,
    #[serde(default, deserialize_with = "lenient_text")]
    pub(super) id: Option<String>,
    #[serde(default, deserialize_with = "lenient_text")]
    pub(super) source: Option<String>,
    #[serde(default, deserialize_with = "lenient_text")]
    pub(super) specversion: Option<String>,
    #[serde(default, deserialize_with = "lenient_number")]
    pub(super) time: Option<i64>,
    #[serde(
        default,
        rename = "webhook_delivery_attempt",
        deserialize_with = "lenient_number"
    )]
    pub(super) attempt: Option<i64>,
    pub(super) data: Data<T>,
    #[serde(flatten)]
    pub(super) extra: Map<String, Value>,
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

impl<T> Wire<T> {
    /// Takes the object out, and puts another one in its place.
    pub(super) fn replace<U>(self, object: U) -> (T, Wire<U>) {
        let Self {
            trigger,
            id,
            source,
            specversion,
            time,
            attempt,
            data,
            extra,
        } = self;
        let (replaced, data) = data.replace(object);
        let wire = Wire {
            trigger,
            id,
            source,
            specversion,
            time,
            attempt,
            data,
            extra,
        };
        (replaced, wire)
    }
}

impl<T> Data<T> {
    fn replace<U>(self, object: U) -> (T, Data<U>) {
        let data = Data {
            application_id: self.application_id,
            grant_id: self.grant_id,
            object,
            extra: self.extra,
        };
        (self.object, data)
    }
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

fn trigger<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Trigger, D::Error> {
    String::deserialize(deserializer).map(|name| Trigger::from(&*name))
}

/// A whole number, also with a fraction of zero or in a string. Anything else is treated as absent:
/// a notification is not refused for the sake of its time.
fn lenient_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let number = whole_number(&Value::deserialize(deserializer)?);
    Ok(number.and_then(|number| number.try_into().ok()))
}

/// A text, also where it is a number. Anything else is treated as absent.
fn lenient_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Value::deserialize(deserializer).map(text)
}

/// A text, also where it is a number.
pub(super) fn text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
