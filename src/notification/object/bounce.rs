//! Bounces that Nylas finds in an inbox.

use super::open_enum::open_enum;
use super::open_struct;
use super::{List, NumberOrString};

open_struct! {
    /// A hard bounce of a message that was sent through Nylas, in `message.bounce_detected`.
    ///
    /// Google, Microsoft, iCloud and Yahoo accounts only; an Agent Account has
    /// [`MessageBounced`](super::MessageBounced) instead. The dates are RFC 2822 text, unlike
    /// anywhere else.
    ///
    /// Source: [Messages](https://developer.nylas.com/docs/reference/notifications/messages/).
    pub struct BounceDetected {
        /// The grant that sent the message; `data` has it as well.
        pub grant_id: Option<String>,
        /// The provider's words.
        pub bounce_reason: Option<String>,
        /// When it bounced, as RFC 2822 text such as `Thu, 24 Sep 2026 09:41:07 +0000`.
        pub bounce_date: Option<String>,
        /// The address that bounced, one text and not a list.
        pub bounced_addresses: Option<String>,
        /// What kind of bounce.
        pub r#type: Option<BounceType>,
        /// SMTP status such as `"550"`, documented as text.
        pub code: Option<NumberOrString>,
        /// Id of the message.
        pub message_id: Option<String>,
        /// The message that bounced.
        pub origin: Option<BounceOrigin>,
    }
}

open_struct! {
    /// The message that bounced. Addresses are plain text here.
    pub struct BounceOrigin {
        /// Id of the message.
        pub id: Option<String>,
        /// Sender.
        pub from: Option<String>,
        /// Recipients.
        pub to: List<String>,
        /// Recipients of a copy.
        pub cc: List<String>,
        /// Hidden recipients.
        pub bcc: List<String>,
        /// Subject.
        pub subject: Option<String>,
        /// The mail's `Message-ID`. Older notifications spell the field `mimeId`.
        #[serde(alias = "mimeId")]
        pub mime_id: Option<String>,
        /// When it was sent, as RFC 2822 text.
        pub original_send_at: Option<String>,
    }
}

open_enum! {
    /// What kind of bounce it was.
    pub enum BounceType {
        MailboxUnavailable = "mailbox_unavailable",
        DomainNotFound = "domain_not_found",
    }
}
