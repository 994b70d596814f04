//! What became of transactional mail and of mail from Agent Accounts.
//!
//! `message.transactional.*` and the plain `message.bounced`, `.complaint`, `.delivered` and
//! `.rejected` have the same objects. The plain ones fire for Agent Accounts only, whose grant is
//! beside the object, in `data`; transactional mail has no grant at all. Addresses are plain text
//! here.
//!
//! Source: [Transactional
//! email](https://developer.nylas.com/docs/reference/notifications/transactional-email/), [Agent
//! Accounts](https://developer.nylas.com/docs/reference/notifications/agent-accounts/).

use super::open_enum::open_enum;
use super::open_struct;
use super::{KeyValues, List};

open_struct! {
    /// A mail that could not be delivered, in `message.bounced` and
    /// `message.transactional.bounced`.
    ///
    /// API v2 has a `message.bounced` of another shape, see [`Delta`](super::delta::Delta).
    pub struct MessageBounced {
        /// The mail.
        pub message: SentMessage,
        /// Why it came back.
        pub bounce: Bounce,
    }
}

open_struct! {
    /// A mail that a recipient complained about, in `message.complaint` and
    /// `message.transactional.complaint`.
    pub struct MessageComplaint {
        /// The mail.
        pub message: SentMessage,
        /// Who complained.
        pub complaint: Complaint,
    }
}

open_struct! {
    /// A mail that arrived, in `message.delivered` and `message.transactional.delivered`.
    pub struct MessageDelivered {
        /// The mail.
        pub message: SentMessage,
        /// Where it arrived.
        pub delivered: Delivery,
    }
}

open_struct! {
    /// A mail that Nylas did not send because of a virus in it, in `message.rejected` and
    /// `message.transactional.rejected`.
    pub struct MessageRejected {
        /// The mail.
        pub message: SentMessage,
        /// When it was rejected, in Unix seconds.
        pub rejected_at: Option<i64>,
    }
}

open_struct! {
    /// The mail that one of these objects is about.
    pub struct SentMessage {
        /// Id of the message.
        pub id: Option<String>,
        /// Subject.
        pub subject: Option<String>,
        /// Sender.
        pub from: Option<String>,
        /// Recipients.
        pub to: List<String>,
        /// Recipients of a copy.
        pub cc: List<String>,
        /// Hidden recipients.
        pub bcc: List<String>,
        /// When it was sent, in Unix seconds.
        pub sent_at: Option<i64>,
        /// The integrator's own pairs.
        pub metadata: KeyValues,
    }
}

open_struct! {
    /// Why a mail came back.
    pub struct Bounce {
        /// When, in Unix seconds.
        pub bounced_at: Option<i64>,
        /// What kind of bounce, such as `MailboxFull`.
        pub r#type: Option<String>,
        /// The addresses that it could not reach.
        pub recipients: List<BouncedRecipient>,
    }
}

open_struct! {
    /// An address that a mail could not reach.
    pub struct BouncedRecipient {
        /// The address.
        pub email: Option<String>,
        /// The mail server's words, such as `smtp; 550 5.1.1 no such user`.
        pub diagnostic_code: Option<String>,
    }
}

open_struct! {
    /// Who complained about a mail.
    pub struct Complaint {
        /// When, in Unix seconds.
        pub reported_at: Option<i64>,
        /// What kind of complaint.
        pub r#type: Option<ComplaintType>,
        /// The addresses that complained.
        pub complained_recipients: List<String>,
    }
}

open_struct! {
    /// Where a mail arrived.
    pub struct Delivery {
        /// When, in Unix seconds.
        pub delivered_at: Option<i64>,
        /// The addresses that it reached.
        pub recipients: List<String>,
    }
}

open_enum! {
    /// What kind of complaint it was.
    pub enum ComplaintType {
        Abuse = "abuse",
    }
}
