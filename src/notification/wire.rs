//! A notification as it stands in the body.

use std::fmt;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::trigger::Trigger;

/// A notification around its object, as serde reads it
/// ([source](https://developer.nylas.com/docs/reference/notifications/)). What is of another type is
/// left to the second reading.
#[doc(hidden)]
#[derive(Clone, Deserialize)]
pub struct Wire<T> {
    #[serde(rename = "type", deserialize_with = "trigger")]
    pub(super) trigger: Trigger,
    pub(super) id: Option<String>,
    pub(super) source: Option<String>,
    pub(super) specversion: Option<String>,
    pub(super) time: Option<i64>,
    #[serde(rename = "webhook_delivery_attempt")]
    pub(super) attempt: Option<u32>,
    pub(super) data: Data<T>,
    #[serde(flatten)]
    pub(super) extra: Map<String, Value>,
}

#[doc(hidden)]
#[derive(Clone, Deserialize)]
pub struct Data<T> {
    pub(super) application_id: Option<String>,
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
