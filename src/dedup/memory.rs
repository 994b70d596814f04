//! Ids in the memory of one process.

use std::{
    fmt,
    future::ready,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use hashlink::LinkedHashMap;

use super::{Begun, NotificationKey, SeenIds};
use crate::{
    report::BoxError,
    time::{Clock, SystemClock},
};

/// The ids that this process has handled: by default 100,000 of them, for 72 hours.
///
/// 100,000 ids take 7.2 MB, and 9.8 MB of a process with glibc's allocator; an id that is not yet
/// remembered takes nothing. A full store forgets the oldest id for each new one. Nylas makes its
/// attempts within about 20 minutes, so the [capacity](Self::capacity) should be what arrives in
/// half an hour at least: the default suffices for 55 notifications a second. A restart forgets all
/// of them.
///
/// A lock is held for a few lookups, and never while a handler runs.
pub struct MemorySeenIds {
    ids: Mutex<Ids>,
    clock: Box<dyn Clock>,
    remembered_for: Duration,
    claimed_for: Duration,
    capacity: usize,
}

/// Both in the order of their times, so that what is over stands in front.
#[derive(Default)]
struct Ids {
    claims: LinkedHashMap<NotificationKey, (u64, Instant)>,
    done: LinkedHashMap<NotificationKey, Instant>,
    /// Of the next claim.
    number: u64,
}

/// A claim of [`MemorySeenIds`].
#[derive(Debug)]
pub struct MemoryClaim {
    key: NotificationKey,
    number: u64,
}

impl MemorySeenIds {
    /// How long a notification is remembered by default after it was handled: 72 hours.
    pub const REMEMBERED_FOR: Duration = Duration::from_secs(72 * 60 * 60);

    /// How long a notification is claimed at most by default: 10 seconds, for which Nylas waits.
    pub const CLAIMED_FOR: Duration = Duration::from_secs(10);

    /// How many ids are remembered by default: 100,000.
    pub const CAPACITY: usize = 100_000;

    /// An empty store with the defaults, on the [`SystemClock`].
    pub fn new() -> Self {
        Self::with_clock(SystemClock)
    }

    /// An empty store with the defaults. Of the clock, only the monotonic time is used.
    pub fn with_clock(clock: impl Clock) -> Self {
        Self {
            ids: Mutex::default(),
            clock: Box::new(clock),
            remembered_for: Self::REMEMBERED_FOR,
            claimed_for: Self::CLAIMED_FOR,
            capacity: Self::CAPACITY,
        }
    }

    /// How long a notification is remembered after it was handled; by default
    /// [72 hours](Self::REMEMBERED_FOR).
    #[must_use]
    pub fn remember_for(mut self, duration: Duration) -> Self {
        self.remembered_for = duration;
        self
    }

    /// How long a notification is claimed at most; by default [10 seconds](Self::CLAIMED_FOR). A
    /// claim is released when its request ends, however that is, so this is for handlers that run
    /// without the deadline of [`WebhookLayer`](crate::WebhookLayer): it must be longer than they
    /// may take.
    #[must_use]
    pub fn claim_for(mut self, duration: Duration) -> Self {
        self.claimed_for = duration;
        self
    }

    /// How many ids are remembered at most; by default [100,000](Self::CAPACITY). Those that are
    /// being handled are not among them.
    #[must_use]
    pub fn capacity(mut self, ids: usize) -> Self {
        self.capacity = ids;
        self
    }

    /// The ids without those whose time is over, and the time.
    fn ids(&self) -> (MutexGuard<'_, Ids>, Instant) {
        // No method panics halfway, so what a panic has poisoned is still whole.
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        // Behind the lock, so that times are in the order of the changes.
        let now = self.clock.now();
        forget(&mut ids.done, |at| {
            now.saturating_duration_since(*at) >= self.remembered_for
        });
        forget(&mut ids.claims, |(_, at)| {
            now.saturating_duration_since(*at) >= self.claimed_for
        });
        (ids, now)
    }
}

/// Removes the first entries, as long as they are `over`.
fn forget<V>(map: &mut LinkedHashMap<NotificationKey, V>, over: impl Fn(&V) -> bool) {
    while map.front().is_some_and(|(_, value)| over(value)) {
        map.pop_front();
    }
}

impl Ids {
    fn end(&mut self, claim: &MemoryClaim) {
        let is_current = |(number, _): &(u64, Instant)| *number == claim.number;
        if self.claims.get(&claim.key).is_some_and(is_current) {
            self.claims.remove(&claim.key);
        }
    }
}

impl Default for MemorySeenIds {
    fn default() -> Self {
        Self::new()
    }
}

impl SeenIds for MemorySeenIds {
    type Claim = MemoryClaim;

    fn begin(
        &self,
        key: NotificationKey,
    ) -> impl Future<Output = Result<Begun<MemoryClaim>, BoxError>> + Send {
        let (mut ids, now) = self.ids();
        ready(Ok(if ids.done.contains_key(&key) {
            Begun::Done
        } else if ids.claims.contains_key(&key) {
            Begun::InProgress
        } else {
            let number = ids.number;
            ids.number = number.wrapping_add(1);
            ids.claims.insert(key, (number, now));
            Begun::New(MemoryClaim { key, number })
        }))
    }

    fn finish(&self, claim: MemoryClaim) -> impl Future<Output = Result<(), BoxError>> + Send {
        let (mut ids, now) = self.ids();
        ids.end(&claim);
        ids.done.insert(claim.key, now);
        while ids.done.len() > self.capacity {
            ids.done.pop_front();
        }
        ready(Ok(()))
    }

    fn release(&self, claim: MemoryClaim) -> impl Future<Output = Result<(), BoxError>> + Send {
        self.ids().0.end(&claim);
        ready(Ok(()))
    }
}

impl fmt::Debug for MemorySeenIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySeenIds")
            .field("remembered_for", &self.remembered_for)
            .field("claimed_for", &self.claimed_for)
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}
