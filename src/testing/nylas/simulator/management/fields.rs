//! The JSON of the requests.

use serde_json::{Map, Value};

use super::ManagementError;
use crate::testing::nylas::simulator::{DestinationUpdate, NewDestination};

/// The fields of a request's body.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    pub(super) fn read(body: &[u8]) -> Result<Self, ManagementError> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(_) => Err(ManagementError::Invalid(
                "the body of the request is no JSON object".to_owned(),
            )),
            Err(_) => Err(ManagementError::Invalid(
                "the body of the request is no JSON".to_owned(),
            )),
        }
    }

    /// A field; one that is null is left out.
    fn field<T>(
        &self,
        name: &str,
        expected: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>, ManagementError> {
        let value = self.0.get(name).filter(|value| !value.is_null());
        let Some(value) = value else { return Ok(None) };
        let wrong = || ManagementError::Invalid(format!("{name} is not {expected}"));
        read(value).map(Some).ok_or_else(wrong)
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<String>, ManagementError> {
        self.field(name, "a string", |value| value.as_str().map(str::to_owned))
    }

    pub(super) fn required(&self, name: &str) -> Result<String, ManagementError> {
        let text = self.text(name)?.filter(|text| !text.is_empty());
        text.ok_or_else(|| ManagementError::missing(name))
    }

    fn list(&self, name: &str) -> Result<Option<Vec<String>>, ManagementError> {
        self.field(name, "a list of strings", |value| {
            let items = value.as_array()?.iter();
            items.map(|item| item.as_str().map(str::to_owned)).collect()
        })
    }

    fn flag(&self, name: &str) -> Result<Option<bool>, ManagementError> {
        self.field(name, "a boolean", Value::as_bool)
    }

    pub(super) fn new_destination(&self) -> Result<NewDestination, ManagementError> {
        let emails = self.list("notification_email_addresses")?;
        let triggers = self.list("trigger_types")?;
        Ok(NewDestination {
            webhook_url: self.required("webhook_url")?,
            trigger_types: triggers.ok_or_else(|| ManagementError::missing("trigger_types"))?,
            description: self.text("description")?,
            notification_email_addresses: emails.unwrap_or_default(),
            compressed_delivery: self.flag("compressed_delivery")?.unwrap_or_default(),
        })
    }

    /// What is left out or empty stays as it is. A paused status has the word that is answered, or
    /// one of those that the sources have.
    pub(super) fn update(&self, pause_word: &str) -> Result<DestinationUpdate, ManagementError> {
        let text = |name| self.text(name).map(|it| it.filter(|text| !text.is_empty()));
        let list = |name| self.list(name).map(|it| it.filter(|list| !list.is_empty()));
        let is_active = match text("status")?.as_deref() {
            None => None,
            Some("active") => Some(true),
            Some("pause" | "paused" | "inactive") => Some(false),
            Some(word) if word == pause_word => Some(false),
            Some(_) => {
                return Err(ManagementError::Invalid(
                    "status is neither active nor pause".to_owned(),
                ));
            }
        };
        Ok(DestinationUpdate {
            webhook_url: text("webhook_url")?,
            trigger_types: list("trigger_types")?,
            description: text("description")?,
            notification_email_addresses: list("notification_email_addresses")?,
            compressed_delivery: self.flag("compressed_delivery")?,
            is_active,
        })
    }
}
