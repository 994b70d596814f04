//! One entry of a v2 notification, which v3 still sends in its `.legacy` triggers.
//!
//! Source: [Webhook schemas of
//! v2](https://developer.nylas.com/docs/v2/developer-guide-v2/webhooks/webhook-schemas/).

use serde::Deserialize;

use super::open_enum::open_enum;
use super::open_struct;
use super::tracking::LinkCount;
use super::{KeyValues, List, NumberOrString};

open_struct! {
    /// Something happened to an object. v2 sends little more than ids; the object is fetched
    /// afterwards.
    ///
    /// There is no notification id: to find duplicates, compare `type`, the id in `object_data` and
    /// `date`.
    pub struct Delta {
        /// When it happened, in Unix seconds. Use [`occurred_at`](Self::occurred_at), as it may be
        /// missing.
        pub date: Option<i64>,
        /// What it happened to: `account`, `message`, `thread`, `contact`, `calendar`, `event`,
        /// `folder`, `job_status`, or `metadata` for tracking.
        pub object: Option<String>,
        /// What happened.
        pub r#type: Option<DeltaType>,
        /// Which object it happened to.
        pub object_data: Option<ObjectData>,
        /// Stands in for `date` in one of Nylas' samples, in Unix seconds.
        pub time: Option<i64>,
    }
}

impl Delta {
    /// When it happened, in Unix seconds: `date`, or else `time`.
    pub fn occurred_at(&self) -> Option<i64> {
        self.date.or(self.time)
    }
}

open_struct! {
    /// Which object a delta is about.
    pub struct ObjectData {
        /// Id of the object.
        pub id: Option<String>,
        /// The account that it belongs to.
        pub account_id: Option<String>,
        /// The same as `account_id`; deprecated by Nylas.
        pub namespace_id: Option<String>,
        /// What it is, as in [`Delta::object`].
        pub object: Option<String>,
        /// What Nylas adds about messages, events and jobs.
        pub attributes: Option<Attributes>,
        /// What Nylas knows from tracking ([`tracking`](Self::tracking)), or an event's own pairs.
        pub metadata: KeyValues,
    }
}

impl ObjectData {
    /// The metadata as tracking data; `None` if they are something else, such as an event's own
    /// pairs.
    pub fn tracking(&self) -> Option<Tracking> {
        Tracking::deserialize(self.metadata.as_map()?).ok()
    }
}

open_struct! {
    /// What Nylas adds to a delta about a message, an event or a job.
    pub struct Attributes {
        /// Thread of the message; jobs have it, too.
        pub thread_id: Option<String>,
        /// When the message was received, in Unix seconds.
        pub received_date: Option<NumberOrString>,
        /// Calendar of the event.
        pub calendar_id: Option<String>,
        /// Whether the event is older than the account's connection.
        pub created_before_account_connection: Option<bool>,
        /// What the job does, such as `save_draft`.
        pub action: Option<String>,
        /// Id of the job.
        pub job_status_id: Option<String>,
        /// Message that the job works on.
        pub message_id: Option<String>,
        /// More about the job.
        pub extras: Option<JobExtras>,
    }
}

open_struct! {
    /// More about a job.
    pub struct JobExtras {
        /// Why it failed or waits.
        pub reason: Option<String>,
        /// When it is tried next, in Unix seconds.
        pub send_at: Option<i64>,
        /// When it was to be done, in Unix seconds.
        pub original_send_at: Option<i64>,
    }
}

open_struct! {
    /// An open, a click or a reply of a tracked message.
    pub struct Tracking {
        /// Id of the message.
        pub message_id: String,
        /// What the integrator gave when the message was sent.
        pub payload: Option<String>,
        /// The application that sent it; a number, or text in Nylas' Java SDK.
        pub sender_app_id: Option<NumberOrString>,
        /// When, in Unix seconds.
        pub timestamp: Option<i64>,
        /// Number of opens.
        pub count: Option<i64>,
        /// The latest opens or clicks.
        pub recents: List<Recent>,
        /// Every tracked link of the message.
        pub link_data: List<LinkCount>,
        /// Message that the reply answers.
        pub reply_to_message_id: Option<String>,
        /// Thread that was replied to.
        pub thread_id: Option<String>,
        /// Whether the reply comes from the account itself.
        pub from_self: Option<bool>,
    }
}

open_struct! {
    /// One open or click.
    pub struct Recent {
        /// Number of this open or click.
        pub id: Option<NumberOrString>,
        /// IP address.
        pub ip: Option<String>,
        /// `User-Agent` of the reader.
        pub user_agent: Option<String>,
        /// When, in Unix seconds.
        pub timestamp: Option<i64>,
        /// Place of the link in `link_data`, for a click.
        pub link_index: Option<NumberOrString>,
    }
}

open_enum! {
    /// What happened, by its name in v2.
    pub enum DeltaType {
        AccountConnected = "account.connected",
        AccountRunning = "account.running",
        AccountStopped = "account.stopped",
        AccountInvalid = "account.invalid",
        AccountSyncError = "account.sync_error",
        MessageCreated = "message.created",
        MessageUpdated = "message.updated",
        MessageOpened = "message.opened",
        MessageLinkClicked = "message.link_clicked",
        MessageBounced = "message.bounced",
        ThreadReplied = "thread.replied",
        ContactCreated = "contact.created",
        ContactUpdated = "contact.updated",
        ContactDeleted = "contact.deleted",
        CalendarCreated = "calendar.created",
        CalendarUpdated = "calendar.updated",
        CalendarDeleted = "calendar.deleted",
        EventCreated = "event.created",
        EventUpdated = "event.updated",
        EventDeleted = "event.deleted",
        JobSuccessful = "job.successful",
        JobFailed = "job.failed",
        JobCancelled = "job.cancelled",
        JobDelayed = "job.delayed",
        FolderCreated = "folder.created",
        FolderUpdated = "folder.updated",
        FolderDeleted = "folder.deleted",
    }
}
