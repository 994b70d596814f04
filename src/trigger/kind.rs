//! The names that Nylas documents.

use std::fmt;

macro_rules! kinds {
    ($($variant:ident = $name:literal,)+) => {
        /// What happened: a trigger's name without its automatic suffixes.
        ///
        /// The variants are the 53 notification types with a published schema
        /// ([source](https://developer.nylas.com/docs/reference/notifications/)); any other name
        /// is kept as [`TriggerKind::Unknown`], since Nylas adds new ones all the time.
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum TriggerKind {
            $(
                #[doc = concat!("`", $name, "`")]
                $variant,
            )+
            /// A name that this version of the crate does not know, as it was sent.
            Unknown(Box<str>),
        }

        impl TriggerKind {
            /// Every documented name, in the order of Nylas' reference.
            pub const KNOWN: &[Self] = &[$(Self::$variant,)+];

            /// The name as Nylas writes it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)+
                    Self::Unknown(name) => name,
                }
            }
        }

        impl From<&str> for TriggerKind {
            fn from(name: &str) -> Self {
                match name {
                    $($name => Self::$variant,)+
                    unknown => Self::Unknown(unknown.into()),
                }
            }
        }
    };
}

kinds! {
    GrantCreated = "grant.created",
    GrantUpdated = "grant.updated",
    GrantDeleted = "grant.deleted",
    GrantExpired = "grant.expired",
    GrantImapSyncCompleted = "grant.imap_sync_completed",
    MessageCreated = "message.created",
    MessageCreatedCleaned = "message.created.cleaned",
    MessageUpdated = "message.updated",
    MessageDeleted = "message.deleted",
    MessageSendSuccess = "message.send_success",
    MessageSendFailed = "message.send_failed",
    MessageBounceDetected = "message.bounce_detected",
    MessageOpened = "message.opened",
    MessageLinkClicked = "message.link_clicked",
    ThreadReplied = "thread.replied",
    MessageOpenedLegacy = "message.opened.legacy",
    MessageLinkClickedLegacy = "message.link_clicked.legacy",
    ThreadRepliedLegacy = "thread.replied.legacy",
    MessageCreatedMetadata = "message.created.metadata",
    MessageUpdatedMetadata = "message.updated.metadata",
    FolderCreated = "folder.created",
    FolderUpdated = "folder.updated",
    FolderDeleted = "folder.deleted",
    CalendarCreated = "calendar.created",
    CalendarUpdated = "calendar.updated",
    CalendarDeleted = "calendar.deleted",
    EventCreated = "event.created",
    EventUpdated = "event.updated",
    EventDeleted = "event.deleted",
    ContactUpdated = "contact.updated",
    ContactDeleted = "contact.deleted",
    BookingCreated = "booking.created",
    BookingPending = "booking.pending",
    BookingRescheduled = "booking.rescheduled",
    BookingCancelled = "booking.cancelled",
    BookingReminder = "booking.reminder",
    NotetakerCreated = "notetaker.created",
    NotetakerUpdated = "notetaker.updated",
    NotetakerDeleted = "notetaker.deleted",
    NotetakerMeetingState = "notetaker.meeting_state",
    NotetakerMedia = "notetaker.media",
    MessageIntelligenceOrder = "message.intelligence.order",
    MessageIntelligenceTracking = "message.intelligence.tracking",
    MessageIntelligenceReturn = "message.intelligence.return",
    MessageIntelligenceTravel = "message.intelligence.travel",
    MessageTransactionalBounced = "message.transactional.bounced",
    MessageTransactionalComplaint = "message.transactional.complaint",
    MessageTransactionalDelivered = "message.transactional.delivered",
    MessageTransactionalRejected = "message.transactional.rejected",
    MessageBounced = "message.bounced",
    MessageComplaint = "message.complaint",
    MessageDelivered = "message.delivered",
    MessageRejected = "message.rejected",
}

impl TriggerKind {
    /// Whether Nylas documented this name when this version of the crate was made.
    pub fn is_known(&self) -> bool {
        !matches!(self, Self::Unknown(_))
    }
}

impl fmt::Display for TriggerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
