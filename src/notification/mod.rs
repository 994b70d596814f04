//! Notifications: what Nylas tells, typed.
//!
//! A [`Notification<T>`] is the envelope that all notifications share, around the object that
//! changed. `T` is a type of [`object`], which has one for every trigger; or
//! [`Object`](object::Object), the enumeration of them all; or any type of one's own that serde can
//! read. [`serde_json::Value`] takes everything. The cheaper [`Envelope`] reads the trigger, the
//! id, the time and the attempt only. [`Deltas`] are the notifications of Nylas API v2.
//!
//! # What does not fit
//!
//! A notification is not lost because a value in it is of another JSON type than its field. Where a
//! body cannot be read at once, it is read once more, leniently, into any of these types, those of
//! one's own included:
//!
//! - A whole number may have a fraction of zero or stand in a string, and so may any number; a
//!   number is its text where a string is expected; a single item may stand for a list of one.
//! - Any other value that does not fit is taken out, of the envelope as of the object, and the rest
//!   is read. [`Notification::unfit`] lists its path, what was expected, and the value;
//!   [`Notification::raw_object`] still has it. The same becomes of a member whose name does not
//!   fit, or is unknown to a type that denies unknown ones. (In types of one's own, the path inside
//!   a flattened struct or an enum with content is not known: that value is taken out as a whole,
//!   or the object does not fit.)
//! - A list or an object that a type of one's own requires is empty if what stands there, `null`
//!   included, was taken out. Without a text, a number or a boolean that it requires, it does not
//!   fit.
//! - Of several members of one name, the last one counts, as for [`serde_json`]; but of those that
//!   make the envelope, the first, by which the notification was routed, and the others are listed.
//! - Unpaired surrogate escapes and invalid UTF-8 become U+FFFD, control characters inside strings
//!   are escaped, numbers out of range become strings, and a byte order mark goes.
//! - A `grant_id` that the object lacks is taken from beside it. An empty one counts as none.
//! - An [`Object`](object::Object) without its ids is
//!   [`Object::Unknown`](object::Object::Unknown). `Notification<Value>` takes every JSON object
//!   with a `type`, with or without `data`.
//!
//! What still does not fit, or is nested more than 127 levels deep, is [`Malformed`].

mod deltas;
mod envelope;
mod fit;
mod head;
mod key;
#[cfg(feature = "api")]
mod lenient;
mod malformed;
pub mod object;
mod payload;
mod reader;
mod repair;
mod reread;
#[cfg(feature = "api")]
mod splice;
mod typed;
mod unfit;
mod wire;

#[cfg(feature = "inbox")]
pub(crate) use self::head::grant_id;
pub(crate) use self::head::{Head, Kind};
pub use self::{
    deltas::Deltas,
    envelope::Envelope,
    key::NotificationKey,
    malformed::Malformed,
    payload::{Payload, UnfitObject},
    typed::Notification,
    unfit::Unfit,
    wire::{Data, Wire},
};
#[cfg(feature = "api")]
pub(crate) use self::{
    lenient::{member, raw_member, read, text_at},
    splice::with_object,
};
