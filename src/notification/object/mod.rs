//! The object of a notification, `data.object`, as Rust types.
//!
//! Every type here reads leniently, because a notification that cannot be read is a notification lost:
//!
//! - Only what Nylas sends in every form of an object must be there, mostly ids. Anything else is an [`Option`], a
//!   [`List`] or [`KeyValues`], which take a missing field and `null` alike.
//! - Unknown fields are kept in `extra`, on every level; unknown values of an enumeration in its variant `Other`.
//! - What Nylas writes as a number here and as text there is a [`NumberOrString`].
//!
//! Serialised again, an object equals the JSON that it came from, but for fields that were `null`: they are left out.
//! Texts of mails and events are what strangers wrote; treat them as untrusted.

pub mod event;
pub mod part;
pub mod when;

mod key_values;
mod list;
mod number_or_string;
mod open_enum;
pub(crate) mod payload;

pub use event::{Event, EventDeleted};
pub use key_values::KeyValues;
pub use list::List;
pub use number_or_string::NumberOrString;
pub use part::{Address, Attachment, Header};
pub use when::When;
