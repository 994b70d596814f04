//! Accepted means stored (feature `inbox`).

mod append;
mod assume;
mod boxed;
mod browse;
mod claimed;
#[cfg(feature = "testing")]
pub mod conformance;
mod delivery;
mod engine;
mod enqueue;
mod entry;
mod head;
mod key;
mod memory;
mod observe;
mod settlement;
mod worker;

#[cfg(feature = "metrics")]
pub use self::observe::describe_metrics;
pub use self::{
    append::{AppendError, Appended},
    assume::assume_verified,
    boxed::{BoxInbox, BoxReceipt},
    browse::{Browse, EntryState, Happened, Inspect, Query, Stats, StoredEntry, TimelineEvent},
    claimed::Claimed,
    delivery::Delivery,
    engine::Inbox,
    enqueue::{Enqueue, EnqueueError, ResponseFuture},
    entry::Entry,
    head::InvalidHead,
    key::EntryKey,
    memory::{MemoryInbox, MemoryReceipt},
    settlement::{DeadCause, SettleError, Settlement},
    worker::{Task, Worker},
};
