//! Opens, clicks and replies of tracked messages.
//!
//! Image proxies and security scanners open messages and follow links as well, so a count is not a
//! count of people.

use super::open_struct;
use super::{List, NumberOrString};

open_struct! {
    /// A tracked message was opened, in `message.opened`.
    ///
    /// Several opens within a minute count once.
    ///
    /// Source: [Message
    /// tracking](https://developer.nylas.com/docs/reference/notifications/message-tracking/).
    pub struct MessageOpened {
        /// Id of the message.
        pub message_id: String,
        /// The grant that sent it; `data` has it as well, and in some samples only `data` has it.
        pub grant_id: Option<String>,
        /// Always `message`.
        pub object: Option<String>,
        /// The label that was given when the message was sent.
        pub label: Option<String>,
        /// The application that sent it.
        pub sender_app_id: Option<NumberOrString>,
        /// When it was opened, in Unix seconds.
        pub timestamp: Option<i64>,
        /// The sum of all opens.
        pub message_data: Option<OpenCount>,
        /// The latest opens, at most 50.
        pub recents: List<Open>,
    }
}

open_struct! {
    /// How often a message was opened.
    pub struct OpenCount {
        /// Number of opens.
        pub count: Option<i64>,
        /// When it was last opened, in Unix seconds.
        pub timestamp: Option<i64>,
    }
}

open_struct! {
    /// One time that a message was opened.
    pub struct Open {
        /// Number of this open.
        pub opened_id: Option<NumberOrString>,
        /// IP address, version 4 or 6.
        pub ip: Option<String>,
        /// When, in Unix seconds.
        pub timestamp: Option<i64>,
        /// `User-Agent` of the reader, or of a proxy.
        pub user_agent: Option<String>,
    }
}

open_struct! {
    /// A link in a tracked message was followed, in `message.link_clicked`.
    ///
    /// Source: [Message
    /// tracking](https://developer.nylas.com/docs/reference/notifications/message-tracking/).
    pub struct LinkClicked {
        /// Id of the message.
        pub message_id: String,
        /// The grant that sent it; `data` has it as well, and in some samples only `data` has it.
        pub grant_id: Option<String>,
        /// Always `message`.
        pub object: Option<String>,
        /// The label that was given when the message was sent.
        pub label: Option<String>,
        /// The application that sent it.
        pub sender_app_id: Option<NumberOrString>,
        /// When the link was followed, in Unix seconds.
        pub timestamp: Option<i64>,
        /// Every tracked link of the message.
        pub link_data: List<LinkCount>,
        /// The latest clicks, at most 50.
        pub recents: List<Click>,
    }
}

open_struct! {
    /// How often a link was followed.
    pub struct LinkCount {
        /// Number of clicks.
        pub count: Option<i64>,
        /// Where the link leads.
        pub url: Option<String>,
    }
}

open_struct! {
    /// One time that a link was followed.
    pub struct Click {
        /// Number of this click; a number in Nylas' schema, text in its tracking guide.
        pub click_id: Option<NumberOrString>,
        /// Place of the link in `link_data`; text here, a number in v2 and `.legacy`.
        pub link_index: Option<NumberOrString>,
        /// IP address, version 4 or 6.
        pub ip: Option<String>,
        /// When, in Unix seconds.
        pub timestamp: Option<i64>,
        /// `User-Agent` of the reader, or of a scanner.
        pub user_agent: Option<String>,
    }
}

open_struct! {
    /// A tracked thread got a reply, in `thread.replied`.
    ///
    /// Source: [Message
    /// tracking](https://developer.nylas.com/docs/reference/notifications/message-tracking/).
    pub struct ThreadReplied {
        /// Id of the reply.
        pub message_id: String,
        /// Id of the message that began the thread.
        pub root_message_id: Option<String>,
        /// Id of the message that the reply answers.
        pub reply_to_message_id: Option<String>,
        /// Id of the thread.
        pub thread_id: Option<String>,
        /// The grant that sent the message; `data` has it as well, and in some samples only `data`
        /// has it.
        pub grant_id: Option<String>,
        /// Always `thread`.
        pub object: Option<String>,
        /// The label that was given when the message was sent.
        pub label: Option<String>,
        /// Whether the reply comes from the grant's own account.
        pub from_self: Option<bool>,
        /// The application that sent the message.
        pub sender_app_id: Option<NumberOrString>,
        /// When the reply came, in Unix seconds.
        pub timestamp: Option<i64>,
        /// The sum of all replies.
        pub reply_data: Option<ReplyCount>,
    }
}

open_struct! {
    /// How often a thread was replied to.
    pub struct ReplyCount {
        /// Number of replies.
        pub count: Option<i64>,
    }
}
