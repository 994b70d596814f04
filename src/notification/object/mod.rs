//! The object of a notification, `data.object`, as Rust types.
//!
//! Every type here reads leniently, because a notification that cannot be read is a notification
//! lost:
//!
//! - Only what Nylas sends in every form of an object must be there, mostly ids. Anything else is
//!   an [`Option`], a [`List`] or [`KeyValues`], which take a missing field and `null` alike.
//! - Unknown fields are kept in `extra`, on every level; unknown values of an enumeration in its
//!   variant `Other`.
//! - What Nylas writes as a number here and as text there is a [`NumberOrString`].
//!
//! ```
//! use tower_nylas::notification::object::Message;
//!
//! let message: Message = serde_json::from_str(
//!     r#"{"id":"m1","grant_id":"g1","from":[{"email":"kai@harbour-mail.example"}],"of_tomorrow":7}"#,
//! )?;
//! assert_eq!(message.from[0].email.as_deref(), Some("kai@harbour-mail.example"));
//! assert!(message.cc.is_empty());
//! assert_eq!(message.extra["of_tomorrow"], 7);
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! Serialised again, an object equals the JSON that it came from, but for fields that were `null`:
//! they are left out. Texts of mails and events are what strangers wrote; treat them as untrusted.
//!
//! | Trigger | Type |
//! |---|---|
//! | `grant.created` | [`Grant`] |
//! | `grant.updated` | [`Grant`] |
//! | `grant.deleted` | [`Grant`] |
//! | `grant.expired` | [`Grant`] |
//! | `grant.imap_sync_completed` | [`Grant`] |
//! | `message.created` | [`Message`] |
//! | `message.created.cleaned` | [`Message`] |
//! | `message.created.metadata` | [`Message`] |
//! | `message.updated` | [`Message`] |
//! | `message.updated.metadata` | [`Message`] |
//! | `message.deleted` | [`MessageDeleted`] |
//! | `message.send_success` | [`SendResult`] |
//! | `message.send_failed` | [`SendResult`] |
//! | `message.bounce_detected` | [`BounceDetected`] |
//! | `message.opened` | [`MessageOpened`] |
//! | `message.link_clicked` | [`LinkClicked`] |
//! | `thread.replied` | [`ThreadReplied`] |
//! | `message.opened.legacy` | [`LegacyTracking`] |
//! | `message.link_clicked.legacy` | [`LegacyTracking`] |
//! | `thread.replied.legacy` | [`LegacyTracking`] |
//! | `folder.created` | [`Folder`] |
//! | `folder.updated` | [`Folder`] |
//! | `folder.deleted` | [`Folder`] |
//! | `calendar.created` | [`Calendar`] |
//! | `calendar.updated` | [`Calendar`] |
//! | `calendar.deleted` | [`Calendar`] |
//! | `event.created` | [`Event`] |
//! | `event.updated` | [`Event`] |
//! | `event.deleted` | [`EventDeleted`] |
//! | `contact.created` | [`Contact`] |
//! | `contact.updated` | [`Contact`] |
//! | `contact.deleted` | [`ContactDeleted`] |
//! | `booking.created` | [`Booking`] |
//! | `booking.pending` | [`Booking`] |
//! | `booking.rescheduled` | [`Booking`] |
//! | `booking.cancelled` | [`Booking`] |
//! | `booking.reminder` | [`Booking`] |
//! | `notetaker.created` | [`Notetaker`] |
//! | `notetaker.updated` | [`Notetaker`] |
//! | `notetaker.deleted` | [`Notetaker`] |
//! | `notetaker.meeting_state` | [`Notetaker`] |
//! | `notetaker.media` | [`Notetaker`] |
//! | `message.intelligence.order` | [`Intelligence`] |
//! | `message.intelligence.tracking` | [`Intelligence`] |
//! | `message.intelligence.return` | [`Intelligence`] |
//! | `message.intelligence.travel` | [`Intelligence`] |
//! | `message.transactional.bounced` | [`MessageBounced`] |
//! | `message.transactional.complaint` | [`MessageComplaint`] |
//! | `message.transactional.delivered` | [`MessageDelivered`] |
//! | `message.transactional.rejected` | [`MessageRejected`] |
//! | `message.bounced` | [`MessageBounced`] |
//! | `message.complaint` | [`MessageComplaint`] |
//! | `message.delivered` | [`MessageDelivered`] |
//! | `message.rejected` | [`MessageRejected`] |
//!
//! These are the 53 triggers with a documented object, and `contact.created`, which v3 replaced by
//! `contact.updated` but some of Nylas' own clients still list.
//!
//! The suffixes `.transformed` and `.truncated` change nothing in this table. [`Message`],
//! [`Event`] and [`Contact`] read the deletion of their kind as well, with little more than ids in
//! it, so that one handler can serve `event.*`. An [`Object`] holds whichever type belongs to its
//! trigger.

use std::any::TypeId;

use serde::Serialize;
use serde_json::Value;

pub mod booking;
pub mod bounce;
pub mod calendar;
pub mod contact;
pub mod deliverability;
pub mod delta;
pub mod event;
pub mod folder;
pub mod grant;
pub mod intelligence;
pub mod legacy;
pub mod message;
pub mod notetaker;
pub mod part;
pub mod send;
pub mod tracking;
pub mod when;

mod key_values;
mod list;
mod number_or_string;
mod open_enum;
pub(crate) mod payload;

pub use booking::Booking;
pub use bounce::BounceDetected;
pub use calendar::Calendar;
pub use contact::{Contact, ContactDeleted};
pub use deliverability::{MessageBounced, MessageComplaint, MessageDelivered, MessageRejected};
pub use event::{Event, EventDeleted};
pub use folder::Folder;
pub use grant::Grant;
pub use intelligence::Intelligence;
pub use key_values::KeyValues;
pub use legacy::LegacyTracking;
pub use list::List;
pub use message::{Message, MessageDeleted};
pub use notetaker::Notetaker;
pub use number_or_string::NumberOrString;
pub use part::{Address, Attachment, Header};
pub use send::SendResult;
pub use tracking::{LinkClicked, MessageOpened, ThreadReplied};
pub use when::When;

/// Declares [`Object`] and everything else that follows from which type models which trigger.
///
/// `also` names triggers that a type can read although another type belongs to them.
macro_rules! objects {
    ($($name:ident [$($trigger:literal)+] $(also [$($also:literal)+])?;)+) => {
        /// The object of any notification, in the type that belongs to its trigger.
        ///
        /// It has no `Deserialize`: the JSON alone does not tell which type it is, the trigger
        /// does.
        #[derive(Debug, Clone, PartialEq, Serialize)]
        #[serde(untagged)]
        #[non_exhaustive]
        pub enum Object {
            $(
                #[doc = concat!("The object of", $(" `", $trigger, "`",)+ ".")]
                $name(Box<$name>),
            )+
            /// The object of a trigger that this version of the crate does not know, as it came.
            Unknown(Value),
        }

        impl Object {
            /// Which type belongs to which trigger: pairs of the trigger, without `.transformed`
            /// and `.truncated`, and the name of the type.
            pub const TYPES: &'static [(&'static str, &'static str)] = &[
                $($(($trigger, stringify!($name)),)+)+
            ];

            /// The name of the type inside, `Unknown` for an unknown trigger.
            pub fn type_name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => stringify!($name),)+
                    Self::Unknown(_) => "Unknown",
                }
            }

            /// Reads the object of a notification whose trigger, without `.transformed` and
            /// `.truncated`, is `stem`.
            pub(crate) fn parse(stem: &str, json: &str) -> serde_json::Result<Self> {
                match stem {
                    $($($trigger)|+ => serde_json::from_str(json).map(Self::$name),)+
                    _ => serde_json::from_str(json).map(Self::Unknown),
                }
            }
        }

        /// Whether `T` can hold the object of the trigger `stem`; `None` when `T` is not a type of
        /// this crate.
        pub(crate) fn models<T: 'static>(stem: &str) -> Option<bool> {
            let asked = TypeId::of::<T>();
            if asked == TypeId::of::<Object>() {
                return Some(true);
            }
            $(
                if asked == TypeId::of::<$name>() {
                    return Some(matches!(stem, $($trigger)|+ $($(| $also)+)?));
                }
            )+
            None
        }
    };
}

objects! {
    Grant [
        "grant.created"
        "grant.updated"
        "grant.deleted"
        "grant.expired"
        "grant.imap_sync_completed"
    ];
    Message [
        "message.created"
        "message.created.cleaned"
        "message.created.metadata"
        "message.updated"
        "message.updated.metadata"
    ] also ["message.deleted"];
    MessageDeleted ["message.deleted"];
    SendResult ["message.send_success" "message.send_failed"];
    BounceDetected ["message.bounce_detected"];
    MessageOpened ["message.opened"];
    LinkClicked ["message.link_clicked"];
    ThreadReplied ["thread.replied"];
    LegacyTracking [
        "message.opened.legacy"
        "message.link_clicked.legacy"
        "thread.replied.legacy"
    ];
    Folder ["folder.created" "folder.updated" "folder.deleted"];
    Calendar ["calendar.created" "calendar.updated" "calendar.deleted"];
    Event ["event.created" "event.updated"] also ["event.deleted"];
    EventDeleted ["event.deleted"];
    Contact ["contact.created" "contact.updated"] also ["contact.deleted"];
    ContactDeleted ["contact.deleted"];
    Booking [
        "booking.created"
        "booking.pending"
        "booking.rescheduled"
        "booking.cancelled"
        "booking.reminder"
    ];
    Notetaker [
        "notetaker.created"
        "notetaker.updated"
        "notetaker.deleted"
        "notetaker.meeting_state"
        "notetaker.media"
    ];
    Intelligence [
        "message.intelligence.order"
        "message.intelligence.tracking"
        "message.intelligence.return"
        "message.intelligence.travel"
    ];
    MessageBounced ["message.bounced" "message.transactional.bounced"];
    MessageComplaint ["message.complaint" "message.transactional.complaint"];
    MessageDelivered ["message.delivered" "message.transactional.delivered"];
    MessageRejected ["message.rejected" "message.transactional.rejected"];
}

#[cfg(test)]
mod tests;
