//! The one list of the triggers that this crate knows.

/// Calls a macro with the table of triggers: `with_triggers!(path::to::callback)`.
///
/// From it follow [`TriggerKind`](super::TriggerKind), the types of objects with the table in their
/// documentation, and the samples of the module `testing`. A new trigger is one row here, and a
/// file `src/testing/samples/NAME.json` for each form in its brackets, with a line in `all.rs`
/// there.
///
/// Each block is the type of an object with the triggers that it belongs to; `also` names triggers
/// that it can read although another type belongs to them. A row is the variant of `TriggerKind`,
/// the name, and the suffixes with which there is a sample of it. A row without a sample is a
/// trigger that Nylas lists somewhere without publishing a schema of it.
macro_rules! with_triggers {
    ($($callback:tt)+) => {
        $($callback)+! {
            Grant {
                GrantCreated = "grant.created" [""]
                GrantUpdated = "grant.updated" [""]
                GrantDeleted = "grant.deleted" [""]
                GrantExpired = "grant.expired" [""]
                GrantImapSyncCompleted = "grant.imap_sync_completed" [""]
            }
            Message also ["message.deleted"] {
                MessageCreated = "message.created"
                    ["" ".transformed" ".truncated" ".transformed.truncated"]
                MessageCreatedCleaned = "message.created.cleaned"
                    ["" ".transformed" ".truncated" ".transformed.truncated"]
                MessageCreatedMetadata = "message.created.metadata" [""]
                MessageUpdated = "message.updated"
                    ["" ".transformed" ".truncated" ".transformed.truncated"]
                MessageUpdatedMetadata = "message.updated.metadata" [""]
            }
            MessageDeleted {
                MessageDeleted = "message.deleted" [""]
            }
            SendResult {
                MessageSendSuccess = "message.send_success" [""]
                MessageSendFailed = "message.send_failed" [""]
            }
            BounceDetected {
                MessageBounceDetected = "message.bounce_detected" [""]
            }
            MessageOpened {
                MessageOpened = "message.opened" [""]
            }
            LinkClicked {
                MessageLinkClicked = "message.link_clicked" [""]
            }
            ThreadReplied {
                ThreadReplied = "thread.replied" [""]
            }
            LegacyTracking {
                MessageOpenedLegacy = "message.opened.legacy" [""]
                MessageLinkClickedLegacy = "message.link_clicked.legacy" [""]
                ThreadRepliedLegacy = "thread.replied.legacy" [""]
            }
            Folder {
                FolderCreated = "folder.created" [""]
                FolderUpdated = "folder.updated" [""]
                FolderDeleted = "folder.deleted" [""]
            }
            Calendar {
                CalendarCreated = "calendar.created" [""]
                CalendarUpdated = "calendar.updated" [""]
                CalendarDeleted = "calendar.deleted" [""]
            }
            Event also ["event.deleted"] {
                EventCreated = "event.created" ["" ".transformed"]
                EventUpdated = "event.updated" ["" ".transformed"]
            }
            EventDeleted {
                EventDeleted = "event.deleted" [""]
            }
            Contact also ["contact.deleted"] {
                // `contact.updated` stands for a new contact in v3, but some of Nylas' own clients
                // list this one.
                ContactCreated = "contact.created" []
                ContactUpdated = "contact.updated" [""]
            }
            ContactDeleted {
                ContactDeleted = "contact.deleted" [""]
            }
            Booking {
                BookingCreated = "booking.created" [""]
                BookingPending = "booking.pending" [""]
                BookingRescheduled = "booking.rescheduled" [""]
                BookingCancelled = "booking.cancelled" [""]
                BookingReminder = "booking.reminder" [""]
            }
            Notetaker {
                NotetakerCreated = "notetaker.created" [""]
                NotetakerUpdated = "notetaker.updated" [""]
                NotetakerDeleted = "notetaker.deleted" [""]
                NotetakerMeetingState = "notetaker.meeting_state" [""]
                NotetakerMedia = "notetaker.media" [""]
            }
            Intelligence {
                MessageIntelligenceOrder = "message.intelligence.order" [""]
                MessageIntelligenceTracking = "message.intelligence.tracking" [""]
                MessageIntelligenceReturn = "message.intelligence.return" [""]
                MessageIntelligenceTravel = "message.intelligence.travel" [""]
            }
            MessageBounced {
                MessageTransactionalBounced = "message.transactional.bounced" [""]
                MessageBounced = "message.bounced" [""]
            }
            MessageComplaint {
                MessageTransactionalComplaint = "message.transactional.complaint" [""]
                MessageComplaint = "message.complaint" [""]
            }
            MessageDelivered {
                MessageTransactionalDelivered = "message.transactional.delivered" [""]
                MessageDelivered = "message.delivered" [""]
            }
            MessageRejected {
                MessageTransactionalRejected = "message.transactional.rejected" [""]
                MessageRejected = "message.rejected" [""]
            }
            Alert {
                AlertTriggered = "alert.triggered" [""]
            }
        }
    };
}

pub(crate) use with_triggers;
