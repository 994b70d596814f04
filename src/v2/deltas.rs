use crate::notification::object::List;
use crate::notification::object::delta::Delta;
use crate::notification::object::open_struct;

open_struct! {
    /// The whole body of a v2 notification. It may hold several deltas, of different types.
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
