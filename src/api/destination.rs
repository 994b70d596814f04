//! A destination as Nylas describes it.

use bytes::Bytes;
use http::Response;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::{ApiError, NewSecret, WebhookId, answer};
use crate::{
    notification::object::{List, NumberOrString, open_enum},
    report::MalformedReason,
};

/// A webhook destination: a URL, and the triggers that Nylas notifies it of
/// ([source](https://developer.nylas.com/docs/reference/api/webhook-notifications/)).
///
/// Only the id must be there: the operations describe a destination with different fields.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Destination {
    /// Its id.
    pub id: WebhookId,
    /// What the application calls it.
    pub description: Option<String>,
    /// What it is subscribed to.
    #[serde(default)]
    pub trigger_types: List<String>,
    /// Where notifications are sent.
    pub webhook_url: Option<String>,
    /// Whether they are sent.
    pub status: Option<DestinationStatus>,
    /// Whom Nylas tells about failures.
    #[serde(default)]
    pub notification_email_addresses: List<String>,
    /// Whether notifications are sent with gzip.
    pub compressed_delivery: Option<bool>,
    /// When its status has changed, in Unix seconds. Some of Nylas' own clients expect RFC 3339.
    pub status_updated_at: Option<NumberOrString>,
    /// When it was created, as above.
    pub created_at: Option<NumberOrString>,
    /// When it was changed, as above.
    pub updated_at: Option<NumberOrString>,
    /// Every field that this version of the crate has no name for, as it came; never the secret.
    #[serde(flatten, deserialize_with = "without_secret")]
    pub extra: Map<String, Value>,
}

open_enum! {
    /// The status of a destination.
    pub enum DestinationStatus {
        Active = "active",
        /// Nothing is sent, as the application has asked for. See
        /// [`is_paused`](DestinationStatus::is_paused).
        Pause = "pause",
        /// 95 % of the deliveries of 15 minutes have failed; they go on.
        Failing = "failing",
        /// 95 % of the deliveries of 72 hours have failed; nothing is sent.
        Failed = "failed",
    }
}

impl DestinationStatus {
    /// Whether it is paused, under any of the names that Nylas has for it: the reference writes
    /// `pause`, other pages `paused` and `inactive`.
    pub fn is_paused(&self) -> bool {
        matches!(self.as_str(), "pause" | "paused" | "inactive")
    }

    /// Whether Nylas sends nothing. What happens meanwhile is never delivered later
    /// ([source](https://developer.nylas.com/docs/v3/notifications/)).
    pub fn is_stopped(&self) -> bool {
        self.is_paused() || *self == Self::Failed
    }
}

fn without_secret<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Map<String, Value>, D::Error> {
    let mut extra = Map::deserialize(deserializer)?;
    extra.remove("webhook_secret");
    Ok(extra)
}

/// A destination with the secret that Nylas has just issued for it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Issued {
    /// The destination.
    pub destination: Destination,
    /// Its secret, which Nylas never shows again.
    pub secret: NewSecret,
}

impl Issued {
    /// Only the destination is read leniently: another text than Nylas' own would be another key.
    pub(super) fn read(response: &Response<Bytes>) -> Result<Self, ApiError> {
        let data: Value = answer::data(response)?;
        let secret = data.get("webhook_secret").and_then(Value::as_str);
        let secret = secret.and_then(NewSecret::new).ok_or_else(|| {
            let reason = MalformedReason::UnfitValue {
                path: "/data/webhook_secret".to_owned(),
                expected: "a webhook secret".to_owned(),
            };
            ApiError::unreadable(response, reason)
        })?;
        Ok(Self {
            destination: answer::data(response)?,
            secret,
        })
    }
}
