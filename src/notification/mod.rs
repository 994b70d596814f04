//! Notifications: what Nylas tells, typed.
//!
//! A [`Notification<T>`] is the envelope that all notifications share, around the object that
//! changed. `T` is a type of [`object`], which has one for every trigger; or
//! [`Object`](object::Object), the enumeration of them all; or any type of one's own that serde can
//! read. [`serde_json::Value`] takes everything. The cheaper [`Envelope`] reads the trigger, the
//! id, the time and the attempt only. [`Deltas`] are the notifications of Nylas API v2.

mod deltas;
mod envelope;
mod head;
mod malformed;
pub mod object;
mod payload;
mod reader;
mod refetch;
mod typed;
mod wire;

pub(crate) use self::head::{Head, Kind};
pub use self::{
    deltas::Deltas,
    envelope::Envelope,
    malformed::Malformed,
    payload::Payload,
    refetch::RefetchError,
    typed::Notification,
    wire::{Data, Wire},
};
