//! Tracking in its v2 form, inside the v3 envelope.

use super::List;
use super::delta::Delta;
use super::open_struct::{self, open_struct};

open_struct! {
    /// v2 deltas, in `message.opened.legacy`, `message.link_clicked.legacy` and
    /// `thread.replied.legacy`.
    ///
    /// These triggers exist for applications that came from v2. A delta's `type` lacks the suffix
    /// `.legacy`.
    ///
    /// Source: [Message
    /// tracking](https://developer.nylas.com/docs/reference/notifications/message-tracking/).
    pub struct LegacyTracking {
        /// The grant that sent the message; `data` has it as well.
        #[serde(deserialize_with = "open_struct::grant_id")]
        pub grant_id: String,
        /// `message` or `thread`.
        pub object: Option<String>,
        /// What happened.
        pub deltas: List<Delta>,
    }
}
