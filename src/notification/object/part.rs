//! Parts that several objects share.

use super::open_struct;

open_struct! {
    /// A mail address with an optional display name, `email_name` in Nylas' schemas.
    pub struct Address {
        /// The address, such as `kai@harbour-mail.example`.
        pub email: Option<String>,
        /// The display name.
        pub name: Option<String>,
    }
}

open_struct! {
    /// An attachment of a message. Its bytes are fetched from the API, except in a
    /// [`SendResult`](super::SendResult).
    pub struct Attachment {
        /// Id for the attachments endpoint.
        pub id: Option<String>,
        /// File name.
        pub filename: Option<String>,
        /// Media type, possibly with parameters such as `name=`.
        pub content_type: Option<String>,
        /// Size in bytes.
        pub size: Option<i64>,
        /// Whether the message shows it inline.
        pub is_inline: Option<bool>,
        /// What a `cid:` reference in the body names; not only inline attachments have it.
        pub content_id: Option<String>,
        /// The whole `Content-Disposition` header.
        pub content_disposition: Option<String>,
        /// The grant that the message belongs to.
        pub grant_id: Option<String>,
        /// The bytes in base64, only in a [`SendResult`](super::SendResult).
        pub content: Option<String>,
    }
}

open_struct! {
    /// A header line of a mail. The order is the mail's own, and names may repeat (`Received`
    /// does).
    pub struct Header {
        /// Header name, in the mail's own case.
        pub name: Option<String>,
        /// Header value.
        pub value: Option<String>,
    }
}
