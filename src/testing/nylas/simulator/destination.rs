//! Destinations: what an application asks for, and what there is.

use std::{borrow::Borrow, fmt, sync::Arc};

use http::Uri;

use super::{Status, statuses::Answers};
use crate::{
    signature::WebhookSecret,
    testing::nylas::random::Random,
    trigger::{Filter, Trigger},
};

/// The id of a destination.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DestinationId(Arc<str>);

impl DestinationId {
    pub(super) fn new(id: &str) -> Self {
        Self(id.into())
    }

    /// The id as a text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for DestinationId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for DestinationId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DestinationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for DestinationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What an application asks for when it [creates](super::Simulator::create) a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDestination {
    pub(super) webhook_url: String,
    pub(super) trigger_types: Vec<String>,
    pub(super) description: Option<String>,
    pub(super) notification_email_addresses: Vec<String>,
    pub(super) compressed_delivery: bool,
}

impl NewDestination {
    /// A destination at this URL for these triggers.
    pub fn new<T: Into<String>>(
        webhook_url: impl Into<String>,
        trigger_types: impl IntoIterator<Item = T>,
    ) -> Self {
        Self {
            webhook_url: webhook_url.into(),
            trigger_types: trigger_types.into_iter().map(Into::into).collect(),
            description: None,
            notification_email_addresses: Vec::new(),
            compressed_delivery: false,
        }
    }

    /// What the application calls it; by default nothing.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Who gets mails about its failures; by default nobody.
    #[must_use]
    pub fn notification_email_addresses<T: Into<String>>(
        mut self,
        addresses: impl IntoIterator<Item = T>,
    ) -> Self {
        self.notification_email_addresses = addresses.into_iter().map(Into::into).collect();
        self
    }

    /// Whether notifications are sent with gzip; by default `false`.
    #[must_use]
    pub fn compressed_delivery(mut self, is_compressed: bool) -> Self {
        self.compressed_delivery = is_compressed;
        self
    }
}

/// What is [changed](super::Simulator::update) of a destination; what is not named stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DestinationUpdate {
    pub(super) webhook_url: Option<String>,
    pub(super) trigger_types: Option<Vec<String>>,
    pub(super) description: Option<String>,
    pub(super) notification_email_addresses: Option<Vec<String>>,
    pub(super) compressed_delivery: Option<bool>,
    /// Whether it is to be active, or else paused.
    pub(super) is_active: Option<bool>,
}

impl DestinationUpdate {
    /// Changes nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where notifications are sent from now on. The new URL is challenged.
    #[must_use]
    pub fn webhook_url(mut self, url: impl Into<String>) -> Self {
        self.webhook_url = Some(url.into());
        self
    }

    /// The triggers, in place of those that it has.
    #[must_use]
    pub fn trigger_types<T: Into<String>>(mut self, types: impl IntoIterator<Item = T>) -> Self {
        self.trigger_types = Some(types.into_iter().map(Into::into).collect());
        self
    }

    /// What the application calls it.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Who gets mails about its failures.
    #[must_use]
    pub fn notification_email_addresses<T: Into<String>>(
        mut self,
        addresses: impl IntoIterator<Item = T>,
    ) -> Self {
        self.notification_email_addresses = Some(addresses.into_iter().map(Into::into).collect());
        self
    }

    /// Whether notifications are sent with gzip.
    #[must_use]
    pub fn compressed_delivery(mut self, is_compressed: bool) -> Self {
        self.compressed_delivery = Some(is_compressed);
        self
    }

    /// Sends notifications again, after a challenge; nothing of what has happened meanwhile.
    #[must_use]
    pub fn reactivate(mut self) -> Self {
        self.is_active = Some(true);
        self
    }

    /// Sends nothing from now on.
    #[must_use]
    pub fn pause(mut self) -> Self {
        self.is_active = Some(false);
        self
    }
}

/// A destination that was created.
#[derive(Clone, PartialEq, Eq)]
pub struct Created {
    /// Its id.
    pub id: DestinationId,
    pub(super) secret: String,
}

impl Created {
    /// Its `webhook_secret`, which no other answer has.
    pub fn secret(&self) -> &str {
        &self.secret
    }
}

impl fmt::Debug for Created {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Created")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A destination as it is at a moment.
#[derive(Clone)]
#[non_exhaustive]
pub struct Destination {
    /// Its id.
    pub id: DestinationId,
    /// Where notifications are sent.
    pub webhook_url: String,
    /// What it is subscribed to.
    pub trigger_types: Vec<String>,
    /// What the application calls it.
    pub description: Option<String>,
    /// Who gets mails about its failures.
    pub notification_email_addresses: Vec<String>,
    /// Whether notifications are sent with gzip.
    pub compressed_delivery: bool,
    /// Whether they are sent.
    pub status: Status,
    pub(super) secret: String,
    /// In Unix seconds, as the times below.
    pub(super) status_updated_at: u64,
    pub(super) created_at: u64,
    pub(super) updated_at: u64,
}

impl Destination {
    /// Its present `webhook_secret`, as only the answers of a creation and of a rotation have it.
    pub fn secret(&self) -> &str {
        &self.secret
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Destination")
            .field("id", &self.id)
            .field("webhook_url", &self.webhook_url)
            .field("trigger_types", &self.trigger_types)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// A destination with what follows from it.
pub(super) struct Entry {
    pub(super) destination: Destination,
    pub(super) url: Uri,
    pub(super) filters: Vec<Filter>,
    pub(super) key: WebhookSecret,
    pub(super) answers: Answers,
    /// How many destinations there were before it.
    pub(super) ordinal: u64,
    /// How many times its secret was replaced.
    pub(super) rotations: u64,
}

impl Entry {
    pub(super) fn is_subscribed(&self, trigger: &Trigger) -> bool {
        self.filters.iter().any(|filter| filter.matches(trigger))
    }

    pub(super) fn set_status(&mut self, status: Status, unix: u64) {
        self.destination.status = status;
        self.destination.status_updated_at = unix;
        self.destination.updated_at = unix;
    }
}

pub(super) fn filters(trigger_types: &[String]) -> Vec<Filter> {
    let filters = trigger_types.iter().filter_map(|name| name.parse().ok());
    filters.collect()
}

/// 26 characters, as in the API reference.
pub(super) fn new_id(random: &mut Random) -> String {
    random.text(26, ALPHANUMERIC)
}

/// 20 characters of those that the examples of the documentation have.
pub(super) fn new_secret(random: &mut Random) -> String {
    random.text(20, SECRET)
}

const SECRET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
pub(super) const ALPHANUMERIC: &[u8] = SECRET.split_at(62).0;
