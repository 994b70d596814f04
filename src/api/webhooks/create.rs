use std::fmt;

use bytes::Bytes;
use http::{Method, Request, Response};
use serde::Serialize;

use super::WEBHOOKS;
use crate::api::{Api, ApiError, Issued, Operation};

/// `POST /v3/webhooks`: creates a destination, whose secret is in the response and nowhere else.
///
/// Nylas first sends the challenge to the URL, and refuses the destination if that is not answered
/// ([`NotVerified`](crate::api::ErrorKind::NotVerified)): the server runs before, with
/// [`Secrets::pending`](crate::Secrets::pending). The trigger types are those of
/// [`TriggerRouter::filters`](crate::TriggerRouter::filters).
#[derive(Debug, Clone, Serialize)]
pub struct CreateWebhook {
    trigger_types: Vec<String>,
    webhook_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notification_email_addresses: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    compressed_delivery: Option<bool>,
}

impl CreateWebhook {
    /// A destination for these triggers at this URL, which must be of `https`, public, and unlike
    /// that of any other destination of the application.
    pub fn new<T: Into<String>>(
        webhook_url: impl Into<String>,
        trigger_types: impl IntoIterator<Item = T>,
    ) -> Self {
        Self {
            trigger_types: trigger_types.into_iter().map(Into::into).collect(),
            webhook_url: webhook_url.into(),
            description: None,
            notification_email_addresses: Vec::new(),
            compressed_delivery: None,
        }
    }

    /// What the application calls it.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Whom Nylas tells about failures; by default nobody.
    #[must_use]
    pub fn notification_email_addresses<T: Into<String>>(
        mut self,
        addresses: impl IntoIterator<Item = T>,
    ) -> Self {
        self.notification_email_addresses = addresses.into_iter().map(Into::into).collect();
        self
    }

    /// Whether notifications are sent with gzip (feature `gzip`); by default not.
    #[must_use]
    pub fn compressed_delivery(mut self, is_compressed: bool) -> Self {
        self.compressed_delivery = Some(is_compressed);
        self
    }
}

impl Operation for CreateWebhook {
    type Output = Issued;

    fn request(&self, api: &Api) -> Request<Bytes> {
        api.request_with(Method::POST, &WEBHOOKS, self)
    }

    fn response(&self, response: Response<Bytes>) -> Result<Issued, ApiError> {
        Issued::read(&response)
    }
}

/// The URL and the triggers.
impl fmt::Display for CreateWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} for {}",
            self.webhook_url,
            self.trigger_types.join(", ")
        )
    }
}
