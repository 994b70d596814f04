//! What the application wants.

use std::collections::BTreeSet;

use crate::api::{CreateWebhook, Destination, DestinationStatus, UpdateWebhook};

/// The destination that an application wants.
///
/// What is not set is left as Nylas has it.
#[derive(Debug, Clone)]
pub struct Desired {
    url: String,
    description: String,
    trigger_types: BTreeSet<String>,
    emails: Option<BTreeSet<String>>,
    compressed_delivery: Option<bool>,
    reactivates: bool,
}

impl Desired {
    /// A destination for these triggers, such as those of
    /// [`TriggerRouter::filters`](crate::TriggerRouter::filters), at this URL.
    ///
    /// The description is the mark by which the application knows its own destinations; one at the
    /// same URL with another description is foreign, unless it is recorded. So it names the
    /// application and the environment: `orders, production`. Of the recorded one, change either
    /// the URL or the description at a time.
    pub fn new<T: Into<String>>(
        url: impl Into<String>,
        description: impl Into<String>,
        trigger_types: impl IntoIterator<Item = T>,
    ) -> Self {
        Self {
            url: url.into(),
            description: description.into(),
            trigger_types: trigger_types.into_iter().map(Into::into).collect(),
            emails: None,
            compressed_delivery: None,
            reactivates: false,
        }
    }

    /// Whom Nylas tells about failures. An empty list changes nothing at Nylas.
    #[must_use]
    pub fn notification_email_addresses<T: Into<String>>(
        mut self,
        addresses: impl IntoIterator<Item = T>,
    ) -> Self {
        let addresses: BTreeSet<_> = addresses.into_iter().map(Into::into).collect();
        self.emails = Some(addresses).filter(|addresses| !addresses.is_empty());
        self
    }

    /// Whether notifications are sent with gzip (feature `gzip`).
    #[must_use]
    pub fn compressed_delivery(mut self, is_compressed: bool) -> Self {
        self.compressed_delivery = Some(is_compressed);
        self
    }

    /// Whether a destination that is paused or has failed is made active again; by default not.
    /// What has happened meanwhile is never delivered.
    #[must_use]
    pub fn reactivate(mut self, reactivates: bool) -> Self {
        self.reactivates = reactivates;
        self
    }

    pub(super) fn has_url_of(&self, destination: &Destination) -> bool {
        destination.webhook_url.as_deref() == Some(&self.url)
    }

    pub(super) fn is_own(&self, destination: &Destination) -> bool {
        destination.description.as_deref() == Some(&self.description)
    }

    pub(super) fn create(&self) -> CreateWebhook {
        let mut create =
            CreateWebhook::new(&self.url, &self.trigger_types).description(&self.description);
        if let Some(emails) = &self.emails {
            create = create.notification_email_addresses(emails);
        }
        match self.compressed_delivery {
            Some(is_compressed) => create.compressed_delivery(is_compressed),
            None => create,
        }
    }

    /// What has to change, if anything has to.
    pub(super) fn update(&self, found: &Destination) -> Option<UpdateWebhook> {
        let unchanged = UpdateWebhook::new(found.id.clone());
        let mut update = unchanged.clone();
        if !self.has_url_of(found) {
            update = update.webhook_url(&self.url);
        }
        if !self.is_own(found) {
            update = update.description(&self.description);
        }
        // Nylas takes an empty list for one that is not given.
        if !self.trigger_types.is_empty() && self.trigger_types != set(&found.trigger_types) {
            update = update.trigger_types(&self.trigger_types);
        }
        if let Some(emails) = &self.emails
            && *emails != set(&found.notification_email_addresses)
        {
            update = update.notification_email_addresses(emails);
        }
        if let Some(is_compressed) = self.compressed_delivery
            && is_compressed != found.compressed_delivery.unwrap_or_default()
        {
            update = update.compressed_delivery(is_compressed);
        }
        let status = found.status.as_ref();
        if self.reactivates && status.is_some_and(DestinationStatus::is_stopped) {
            update = update.reactivate();
        }
        (update != unchanged).then_some(update)
    }
}

fn set(texts: &[String]) -> BTreeSet<String> {
    texts.iter().cloned().collect()
}
