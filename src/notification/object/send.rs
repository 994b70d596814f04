//! How sending a message ended.

use serde_json::Value;

use super::List;
use super::open_struct;
use super::part::{Address, Attachment};

open_struct! {
    /// The message that was sent, or was not, in `message.send_success` and `message.send_failed`.
    ///
    /// Fires for scheduled sends, and for immediate ones if the application has switched that on.
    /// The object of `message.send_failed` may be `null`, when the message could not even be built;
    /// all fields are `None` then. Nylas puts the reason and the error of a failure **beside** the
    /// object, into `data`, although one of its schemas lists them inside: they are here only if
    /// they came inside.
    ///
    /// Source: [Messages](https://developer.nylas.com/docs/reference/notifications/messages/),
    /// [Send email](https://developer.nylas.com/docs/v3/email/send-email/).
    pub struct SendResult or null {
        /// Id of the message.
        pub id: Option<String>,
        /// The grant that sends; `data` has it as well.
        pub grant_id: Option<String>,
        /// Always `message`.
        pub object: Option<String>,
        /// Subject.
        pub subject: Option<String>,
        /// Usually empty or missing.
        pub body: Option<String>,
        /// The first words of the text.
        pub snippet: Option<String>,
        /// Senders.
        pub from: List<Address>,
        /// Recipients.
        pub to: List<Address>,
        /// Recipients of a copy.
        pub cc: List<Address>,
        /// Hidden recipients.
        pub bcc: List<Address>,
        /// Where answers should go.
        pub reply_to: List<Address>,
        /// Attachments with their bytes.
        pub attachments: List<Attachment>,
        /// Id of the schedule, for a scheduled send.
        pub schedule_id: Option<String>,
        /// When it was to be sent, in Unix seconds.
        pub send_at: Option<i64>,
        /// Whether it was kept as a draft until then; missing when it was not.
        pub use_draft: Option<bool>,
        /// Why it failed, in one line.
        pub reason: Option<String>,
        /// Why it failed, in detail.
        pub error: Option<SendError>,
    }
}

open_struct! {
    /// Why a message could not be sent, the `error` of `message.send_failed`.
    pub struct SendError {
        /// What kind of error, such as `api.provider_error`.
        pub r#type: Option<String>,
        /// The error in words.
        pub message: Option<String>,
        /// The HTTP status that the error would have had in the API.
        pub status_code: Option<i64>,
        /// What the mail provider said, as it came.
        pub provider_error: Option<Value>,
    }
}
