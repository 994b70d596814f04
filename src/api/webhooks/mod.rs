//! The operations on destinations.

mod create;
mod delete;
mod get;
mod ip_addresses;
mod list;
mod mock_payload;
mod rotate_secret;
mod test_event;
mod update;

pub use self::{
    create::CreateWebhook,
    delete::DeleteWebhook,
    get::GetWebhook,
    ip_addresses::{IpAddresses, IpRanges},
    list::ListWebhooks,
    mock_payload::MockPayload,
    rotate_secret::RotateSecret,
    test_event::SendTestEvent,
    update::UpdateWebhook,
};

use super::{WebhookId, path::Path};

/// Where the destinations are.
const WEBHOOKS: Path = Path::fixed("/v3/webhooks");

/// Where one of them is, or what is done to it.
fn one(collection: Path, id: &WebhookId) -> Path {
    let path = collection.id(id.as_str());
    path.expect("it was checked when it was made")
}

/// A trigger and a URL, for a trial.
#[derive(Debug, Clone, serde::Serialize)]
struct Trial {
    trigger_type: String,
    webhook_url: String,
}

impl Trial {
    fn new(trigger_type: impl Into<String>, webhook_url: impl Into<String>) -> Self {
        Self {
            trigger_type: trigger_type.into(),
            webhook_url: webhook_url.into(),
        }
    }
}
