//! What engines share, beside the contract: for whoever writes one.
//!
//! An engine implements [`Inbox`](super::Inbox). What is in here is what the engines of this
//! project would otherwise each have written for themselves: the settings that an application
//! makes, the columns of a history, and an error that all calls of one transaction get.

mod cause;
mod columns;
mod failure;
mod settings;

pub use self::{
    cause::stored_cause,
    columns::EventColumns,
    failure::Failure,
    settings::{Settings, builder_settings},
};

/// How many events of an entry are kept: the latest ones.
pub const MOST_EVENTS: u32 = 32;

/// What an entry counts beside its content, in bytes: roughly, so that empty ones are bounded too.
pub const OVERHEAD: u64 = 512;
