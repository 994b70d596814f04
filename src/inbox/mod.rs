//! Accepted means stored (feature `inbox`).

mod append;
mod browse;
mod claimed;
mod engine;
mod entry;
mod head;
mod key;
mod memory;
mod settlement;

pub use self::{
    append::{AppendError, Appended},
    browse::{Browse, EntryState, Happened, Inspect, Query, Stats, StoredEntry, TimelineEvent},
    claimed::Claimed,
    engine::Inbox,
    entry::Entry,
    head::InvalidHead,
    key::EntryKey,
    memory::{MemoryInbox, MemoryReceipt},
    settlement::{DeadCause, SettleError, Settlement},
};
