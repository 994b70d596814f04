//! What a notification can be read as.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// What the `data.object` of a notification is read as: any type that implements
/// [`serde::Deserialize`] without borrowing.
pub trait Payload: Sized + Send + 'static {
    #[doc(hidden)]
    fn read(json: &[u8]) -> serde_json::Result<Wire<Self>>;
}

impl<T: DeserializeOwned + Send + 'static> Payload for T {
    fn read(json: &[u8]) -> serde_json::Result<Wire<Self>> {
        serde_json::from_slice(json)
    }
}

/// A notification as it stands in the body
/// ([source](https://developer.nylas.com/docs/reference/notifications/)).
#[doc(hidden)]
#[derive(Debug, Clone, Deserialize)]
pub struct Wire<T> {
    pub(super) specversion: Option<String>,
    #[serde(rename = "type")]
    pub(super) name: String,
    pub(super) source: Option<String>,
    pub(super) id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) time: Option<i64>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) webhook_delivery_attempt: Option<i64>,
    pub(super) data: Data<T>,
    #[serde(flatten)]
    pub(super) extra: Map<String, Value>,
}

#[doc(hidden)]
#[derive(Debug, Clone, Deserialize)]
pub struct Data<T> {
    pub(super) application_id: Option<String>,
    pub(super) grant_id: Option<String>,
    pub(super) object: T,
    #[serde(flatten)]
    pub(super) extra: Map<String, Value>,
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
