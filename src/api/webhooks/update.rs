use bytes::Bytes;
use http::{Method, Request, Response};
use serde::Serialize;

use super::{WEBHOOKS, one};
use crate::api::{Api, ApiError, Destination, DestinationStatus, Operation, WebhookId, answer};

/// `PUT /v3/webhooks/{id}`: changes the fields that are given, and no other; Nylas treats an empty
/// one as one that is not given.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UpdateWebhook {
    #[serde(skip)]
    id: WebhookId,
    #[serde(skip_serializing_if = "Option::is_none")]
    trigger_types: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notification_email_addresses: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    compressed_delivery: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<DestinationStatus>,
}

impl UpdateWebhook {
    /// Changes nothing of this destination yet.
    pub fn new(id: WebhookId) -> Self {
        Self {
            id,
            trigger_types: None,
            webhook_url: None,
            description: None,
            notification_email_addresses: None,
            compressed_delivery: None,
            status: None,
        }
    }

    /// Which destination it changes.
    pub fn id(&self) -> &WebhookId {
        &self.id
    }

    /// The triggers, in place of those that it is subscribed to.
    #[must_use]
    pub fn trigger_types<T: Into<String>>(mut self, types: impl IntoIterator<Item = T>) -> Self {
        self.trigger_types = Some(types.into_iter().map(Into::into).collect());
        self
    }

    /// Where notifications are sent from now on.
    #[must_use]
    pub fn webhook_url(mut self, url: impl Into<String>) -> Self {
        self.webhook_url = Some(url.into());
        self
    }

    /// What the application calls it.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Whom Nylas tells about failures.
    #[must_use]
    pub fn notification_email_addresses<T: Into<String>>(
        mut self,
        addresses: impl IntoIterator<Item = T>,
    ) -> Self {
        self.notification_email_addresses = Some(addresses.into_iter().map(Into::into).collect());
        self
    }

    /// Whether notifications are sent with gzip (feature `gzip`).
    #[must_use]
    pub fn compressed_delivery(mut self, is_compressed: bool) -> Self {
        self.compressed_delivery = Some(is_compressed);
        self
    }

    /// Sends notifications again. Nylas sends the challenge first, and nothing of what has happened
    /// meanwhile.
    #[must_use]
    pub fn reactivate(mut self) -> Self {
        self.status = Some(DestinationStatus::Active);
        self
    }

    /// Sends nothing until it is [reactivated](Self::reactivate). What happens meanwhile is lost.
    #[must_use]
    pub fn pause(mut self) -> Self {
        self.status = Some(DestinationStatus::Pause);
        self
    }

    /// The names of the fields that it changes.
    pub(in crate::api) fn fields(&self) -> impl Iterator<Item = &'static str> {
        let fields = [
            ("trigger_types", self.trigger_types.is_some()),
            ("webhook_url", self.webhook_url.is_some()),
            ("description", self.description.is_some()),
            (
                "notification_email_addresses",
                self.notification_email_addresses.is_some(),
            ),
            ("compressed_delivery", self.compressed_delivery.is_some()),
            ("status", self.status.is_some()),
        ];
        let given = fields.into_iter().filter(|(_, is_given)| *is_given);
        given.map(|(name, _)| name)
    }
}

impl Operation for UpdateWebhook {
    type Output = Destination;

    fn request(&self, api: &Api) -> Request<Bytes> {
        api.request_with(Method::PUT, &one(WEBHOOKS, &self.id), self)
    }

    fn response(&self, response: Response<Bytes>) -> Result<Destination, ApiError> {
        answer::data(&response)
    }
}
