//! A claim.

use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
};

use async_nats::Subject;
use bytes::Bytes;
use tower_nylas::inbox::EntryKey;

use crate::tries::Tries;

/// A claim of [`NatsInbox`](crate::NatsInbox): a delivery of a message, and where the server waits
/// for what becomes of it.
pub struct NatsReceipt {
    pub(crate) key: EntryKey,
    pub(crate) replays: u32,
    /// In the stream of entries.
    pub(crate) position: u64,
    /// How often the server has delivered it, this time included.
    pub(crate) delivered: u64,
    pub(crate) tries: Tries,
    pub(crate) reply: Subject,
    /// For the dead letter that it may become.
    pub(crate) payload: Bytes,
    is_settled: AtomicBool,
}

impl NatsReceipt {
    pub(crate) fn new(
        (key, replays): (EntryKey, u32),
        (position, delivered): (u64, u64),
        tries: Tries,
        reply: Subject,
        payload: Bytes,
    ) -> Self {
        Self {
            key,
            replays,
            position,
            delivered,
            tries,
            reply,
            payload,
            is_settled: AtomicBool::new(false),
        }
    }

    /// How many earlier deliveries have ended without a settlement.
    pub(crate) fn crashes(&self) -> u32 {
        let ended = self.delivered.saturating_sub(1);
        let crashes = ended.saturating_sub(self.tries.settled);
        u32::try_from(crashes).unwrap_or(u32::MAX)
    }

    /// Whether this receipt has settled the claim. The server would take a second word for the
    /// present delivery's.
    pub(crate) fn is_settled(&self) -> bool {
        self.is_settled.load(Ordering::SeqCst)
    }

    pub(crate) fn note_settled(&self) {
        self.is_settled.store(true, Ordering::SeqCst);
    }
}

impl fmt::Debug for NatsReceipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsReceipt")
            .field("key", &self.key)
            .field("position", &self.position)
            .field("delivered", &self.delivered)
            .finish_non_exhaustive()
    }
}
