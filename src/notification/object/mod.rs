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
//! - What is of another type all the same is read as [`notification`](super#what-does-not-fit)
//!   says: inside a notification, not where a type is deserialised by itself.
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
#![doc = crate::trigger::with_triggers!(crate::notification::object::documentation_table)]
//!
//! These are the 54 triggers that Nylas documents, and `contact.created`, which v3 replaced by
//! `contact.updated` and publishes no schema for, but which some of Nylas' own clients list.
//!
//! The suffixes `.transformed` and `.truncated` change nothing in this table. [`Message`],
//! [`Event`] and [`Contact`] read the deletion of their kind as well, with little more than ids in
//! it, so that one handler can serve `event.*`. An [`Object`] holds whichever type belongs to its
//! trigger.

pub mod alert;
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

mod by_trigger;
mod key_values;
mod list;
mod number_or_string;
mod open_enum;
pub(crate) mod open_struct;

pub use alert::Alert;
pub use booking::Booking;
pub use bounce::BounceDetected;
pub use by_trigger::Object;
pub(crate) use by_trigger::{documentation_table, models};
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
#[cfg(feature = "api")]
pub(crate) use open_enum::open_enum;
pub(crate) use open_struct::open_struct;
pub use part::{Address, Attachment, Header};
pub use send::SendResult;
pub use tracking::{LinkClicked, MessageOpened, ThreadReplied};
pub use when::When;

#[cfg(test)]
mod tests;
