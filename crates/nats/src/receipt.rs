//! A claim.

use std::{
    fmt,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::SystemTime,
};

use async_nats::{Subject, datetime::DateTime};
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
    /// `None` if they could not be read.
    pub(crate) tries: Option<Tries>,
    /// When its message was stored, by which another one at the same place is told from it: since
    /// the Unix epoch, in nanoseconds.
    pub(crate) born: u64,
    pub(crate) reply: Subject,
    /// How often the client had connected when it was delivered.
    pub(crate) connects: u64,
    /// For the dead letter that it may become.
    pub(crate) payload: Bytes,
    is_settled: AtomicBool,
    is_doubtful: AtomicBool,
    refusals: AtomicU32,
}

impl NatsReceipt {
    pub(crate) fn new(
        (key, replays): (EntryKey, u32),
        (position, born, delivered): (u64, u64, u64),
        tries: Option<Tries>,
        (reply, connects): (Subject, u64),
        payload: Bytes,
    ) -> Self {
        Self {
            key,
            replays,
            position,
            delivered,
            tries,
            born,
            reply,
            connects,
            payload,
            is_settled: AtomicBool::new(false),
            is_doubtful: AtomicBool::new(false),
            refusals: AtomicU32::new(0),
        }
    }

    /// How many earlier deliveries have ended without a settlement, as far as is known.
    pub(crate) fn crashes(&self) -> u32 {
        let ended = self.delivered.saturating_sub(1);
        let settled = self.tries.map_or(ended, |tries| tries.settled);
        let crashes = ended.saturating_sub(settled);
        u32::try_from(crashes).unwrap_or(u32::MAX)
    }

    /// Whether this receipt has settled the claim. The server would take a second word for the
    /// present delivery's.
    pub(crate) fn is_settled(&self) -> bool {
        self.is_settled.load(Ordering::SeqCst)
    }

    /// Whether a message that was stored then is the one of this entry.
    pub(crate) fn is_of(&self, stored: DateTime) -> bool {
        born(stored) == Some(self.born)
    }

    /// Whether the server has left a word about this delivery without an answer.
    pub(crate) fn is_doubtful(&self) -> bool {
        self.is_doubtful.load(Ordering::SeqCst)
    }

    pub(crate) fn note_doubt(&self) {
        self.is_doubtful.store(true, Ordering::SeqCst);
    }

    pub(crate) fn failures(&self) -> u32 {
        self.tries.map_or(0, |tries| tries.failures)
    }

    /// Notes that a server does not store its dead letter. How often that was.
    pub(crate) fn note_refusal(&self) -> u32 {
        self.refusals
            .fetch_add(1, Ordering::SeqCst)
            .saturating_add(1)
    }

    pub(crate) fn note_settled(&self) {
        self.is_settled.store(true, Ordering::SeqCst);
    }
}

/// When a message was stored: since the Unix epoch, in nanoseconds.
pub(crate) fn born(stored: DateTime) -> Option<u64> {
    let since = SystemTime::from(stored).duration_since(SystemTime::UNIX_EPOCH);
    u64::try_from(since.ok()?.as_nanos()).ok()
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
