//! What callers want to be written.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tower_nylas::{
    BoxError,
    inbox::{AppendError, Appended, Claimed, Entry, EntryKey, Settlement, engine::Failure},
};

use crate::receipt::SqliteReceipt;

/// How much of contents may wait for the writer, in KiB. Whoever comes then waits for room, with
/// the content that it holds anyway.
const APPEND_KIB: u32 = 64 << 10;

/// What an entry counts beside its content, in KiB.
const ENTRY_KIB: u32 = 1;

/// How many other orders may wait.
const ORDERS: usize = 16 << 10;

#[derive(Debug)]
pub(crate) struct Queue {
    pending: Mutex<Pending>,
    /// Something was added, or the queue closed.
    changed: Condvar,
    append_room: Arc<Semaphore>,
    order_room: Arc<Semaphore>,
}

/// The right to wait for the writer: part of what waits, since its caller may be gone meanwhile.
pub(crate) type Place = OwnedSemaphorePermit;

#[derive(Debug, Default)]
struct Pending {
    appends: VecDeque<Append>,
    orders: Vec<Order>,
    claims: Vec<Claim>,
    is_closed: bool,
}

#[derive(Debug)]
pub(crate) struct Append {
    pub(crate) entry: Entry,
    pub(crate) reply: oneshot::Sender<Result<Appended, AppendError>>,
    pub(crate) _place: Place,
}

#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) max: usize,
    /// Until when to wait for the first entry; `None` if for ever.
    pub(crate) until: Option<Instant>,
    pub(crate) reply: oneshot::Sender<Result<Vec<Claimed<SqliteReceipt>>, BoxError>>,
    pub(crate) _place: Place,
}

/// Anything else. The reply is the number of entries that it was about.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) what: What,
    pub(crate) reply: oneshot::Sender<Result<usize, Failure>>,
    pub(crate) _place: Place,
}

#[derive(Debug)]
pub(crate) enum What {
    Extend(SqliteReceipt),
    Settle(SqliteReceipt, Settlement),
    Replay(Vec<EntryKey>),
    ReplayDead(Vec<EntryKey>),
    Discard(Vec<EntryKey>),
    Purge {
        grant_id: String,
        positions: Vec<i64>,
    },
}

/// What the writer does in one round.
#[derive(Debug, Default)]
pub(crate) struct Round {
    pub(crate) orders: Vec<Order>,
    pub(crate) claims: Vec<Claim>,
    pub(crate) appends: Vec<Append>,
    /// Nothing will follow.
    pub(crate) is_last: bool,
}

impl Queue {
    pub(crate) fn new() -> Self {
        Self {
            pending: Mutex::default(),
            changed: Condvar::new(),
            append_room: Arc::new(Semaphore::new(APPEND_KIB as usize)),
            order_room: Arc::new(Semaphore::new(ORDERS)),
        }
    }

    /// The largest content that there is ever room for.
    pub(crate) const fn largest() -> usize {
        ((APPEND_KIB - ENTRY_KIB) as usize) << 10
    }

    /// A place for a content of this length.
    pub(crate) async fn append_place(&self, length: usize) -> Result<Place, Failure> {
        let kib = u32::try_from(length.div_ceil(1 << 10)).unwrap_or(APPEND_KIB);
        let room = self.append_room.clone();
        let place = room.acquire_many_owned(kib.saturating_add(ENTRY_KIB).min(APPEND_KIB));
        place.await.map_err(|_| Failure::closed())
    }

    pub(crate) async fn order_place(&self) -> Result<Place, Failure> {
        let place = self.order_room.clone().acquire_owned();
        place.await.map_err(|_| Failure::closed())
    }

    /// Why there is no answer: nothing will be answered any more, or a panic has ended its round.
    pub(crate) fn no_answer(&self) -> Failure {
        if self.append_room.is_closed() {
            Failure::closed()
        } else {
            Failure::new("the thread that writes has panicked")
        }
    }

    pub(crate) fn append(&self, append: Append) {
        self.add(|pending| pending.appends.push_back(append));
    }

    pub(crate) fn claim(&self, claim: Claim) {
        self.add(|pending| pending.claims.push(claim));
    }

    pub(crate) fn order(&self, order: Order) {
        self.add(|pending| pending.orders.push(order));
    }

    /// What is there is still written, and nothing is added.
    pub(crate) fn close(&self) {
        self.append_room.close();
        self.order_room.close();
        self.pending().is_closed = true;
        self.changed.notify_all();
    }

    /// Waits until there is something to do, or until `end`.
    pub(crate) fn next(&self, most_appends: usize, most_bytes: usize, end: Instant) -> Round {
        let mut pending = self.pending();
        while pending.is_empty() && !pending.is_closed {
            let Some(left) = end.checked_duration_since(Instant::now()) else {
                break;
            };
            let waited = self.changed.wait_timeout(pending, left);
            pending = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let mut round = Round {
            orders: std::mem::take(&mut pending.orders),
            claims: std::mem::take(&mut pending.claims),
            ..Round::default()
        };
        let mut bytes = 0;
        while let Some(append) = pending.appends.front() {
            bytes += append.entry.content().len();
            let is_full = round.appends.len() == most_appends || bytes > most_bytes;
            if is_full && !round.appends.is_empty() {
                break;
            }
            round.appends.extend(pending.appends.pop_front());
        }
        round.is_last = pending.is_closed && pending.appends.is_empty();
        round
    }

    /// A dropped reply tells the caller that nothing will come.
    fn add(&self, add: impl FnOnce(&mut Pending)) {
        let mut pending = self.pending();
        if !pending.is_closed {
            add(&mut pending);
            drop(pending);
            self.changed.notify_one();
        }
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.appends.is_empty() && self.orders.is_empty() && self.claims.is_empty()
    }
}
