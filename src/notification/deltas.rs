//! Notifications of Nylas API v2.

use super::object::{List, delta::Delta, open_struct};

open_struct! {
    /// A notification of Nylas API v2: a list of deltas, of different types, without an envelope.
    ///
    /// Nylas switched v2 off in January 2025, so this serves archives of old notifications. They
    /// are signed as in v3, but with the application's client secret as the key, one for all
    /// webhooks. v3 still sends single deltas in its `.legacy` triggers, see
    /// [`LegacyTracking`](super::object::LegacyTracking).
    ///
    /// A handler of them is routed by
    /// [`TriggerRouter::on_deltas`](crate::TriggerRouter::on_deltas).
    ///
    /// Source: [Webhook schemas of
    /// v2](https://developer.nylas.com/docs/v2/developer-guide-v2/webhooks/webhook-schemas/).
    pub struct Deltas {
        /// What happened.
        pub deltas: List<Delta>,
    }
}

impl Deltas {
    /// Reads a request body. Verify its signature first, over these very bytes.
    ///
    /// # Errors
    ///
    /// When the body is no JSON object, or a known field in it has another type than documented.
    pub fn from_slice(body: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(body)
    }
}
