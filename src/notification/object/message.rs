//! Messages that arrive, change and go.

use super::open_enum::open_enum;
use super::open_struct::{self, open_struct};
use super::part::{Address, Attachment, Header};
use super::{KeyValues, List};

open_struct! {
    /// A mail, in `message.created`, `message.created.cleaned`, `message.updated` and the automatic
    /// forms of these.
    ///
    /// - Truncated (over 1 MB): `body` is missing **or an empty string**. Only the trigger's suffix
    ///   `.truncated` tells; an empty body alone does not.
    /// - Transformed (field selection): only `id` and `grant_id` are sure to be there.
    /// - `.metadata` (Google's `gmail.metadata` scope): has `headers`, never `body`, `snippet` or
    ///   `attachments`.
    /// - Cleaned: `body` is Markdown, or the original HTML when `cleaning_status` is `failed`.
    ///
    /// It reads `message.deleted`, too, which has little more than ids ([`MessageDeleted`]); ask
    /// the trigger.
    ///
    /// It fires for mail that the account itself sends, too: look at `from` before you answer.
    ///
    /// Source: [Messages](https://developer.nylas.com/docs/reference/notifications/messages/),
    /// [Message
    /// metadata](https://developer.nylas.com/docs/reference/notifications/message-metadata/).
    pub struct Message {
        /// Id of the message. Encode it in a URL: an IMAP id contains `<`, `>` and `@`.
        pub id: String,
        /// The grant that the message belongs to.
        #[serde(deserialize_with = "open_struct::grant_id")]
        pub grant_id: String,
        /// Always `message`.
        pub object: Option<String>,
        /// The thread it belongs to.
        pub thread_id: Option<String>,
        /// Subject.
        pub subject: Option<String>,
        /// Senders.
        pub from: List<Address>,
        /// Recipients.
        pub to: List<Address>,
        /// Recipients of a copy.
        pub cc: List<Address>,
        /// Hidden recipients; not in `message.updated`.
        pub bcc: List<Address>,
        /// Where answers should go; not in `message.updated`.
        pub reply_to: List<Address>,
        /// When it was sent or received, in Unix seconds.
        pub date: Option<i64>,
        /// The whole text: HTML, or Markdown in `message.created.cleaned`. It is what a stranger
        /// wrote.
        pub body: Option<String>,
        /// The first words of the text.
        pub snippet: Option<String>,
        /// Whether it is starred.
        pub starred: Option<bool>,
        /// Whether it is unread.
        pub unread: Option<bool>,
        /// Labels, or ids of folders.
        pub folders: List<String>,
        /// Attachments, without their bytes; not in `message.updated`.
        pub attachments: List<Attachment>,
        /// The integrator's own pairs. They may be missing although they were set.
        pub metadata: KeyValues,
        /// Header lines, if the application's customization asks for them.
        pub headers: List<Header>,
        /// Whether cleaning worked, only in `message.created.cleaned`.
        pub cleaning_status: Option<CleaningStatus>,
        /// Why cleaning failed.
        pub cleaning_error: Option<String>,
    }
}

impl Message {
    /// The values of a header in the mail's order; the case of `name` does not matter.
    pub fn header(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers
            .iter()
            .filter(move |header| {
                header
                    .name
                    .as_deref()
                    .is_some_and(|own| own.eq_ignore_ascii_case(name))
            })
            .filter_map(|header| header.value.as_deref())
    }
}

open_struct! {
    /// What is left of a mail in `message.deleted`; it can no longer be fetched.
    ///
    /// Source: [Messages](https://developer.nylas.com/docs/reference/notifications/messages/).
    pub struct MessageDeleted {
        /// Id of the message.
        pub id: String,
        /// The grant that it belonged to.
        #[serde(deserialize_with = "open_struct::grant_id")]
        pub grant_id: String,
        /// Always `message`.
        pub object: Option<String>,
        /// The integrator's own pairs.
        pub metadata: KeyValues,
    }
}

open_enum! {
    /// Whether Nylas could turn a mail's body into Markdown.
    pub enum CleaningStatus {
        Success = "success",
        /// The body is the original HTML.
        Failed = "failed",
    }
}
