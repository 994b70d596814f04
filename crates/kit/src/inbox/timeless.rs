//! An engine of an inbox in virtual time.
//!
//! Its threads and tasks run in real time, of which a virtual clock knows nothing: it would advance
//! while a transaction is under way. So a call of this inbox blocks until the engine has answered,
//! and takes no virtual time.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use tokio::runtime::Runtime;
use tower_nylas::{
    BoxError,
    inbox::{
        AppendError, Appended, Browse, Claimed, DeadGroup, Entry, EntryKey, Inbox, Inspect, Query,
        SettleError, Settlement, Stats, StoredEntry, TimelineEvent,
    },
    time::Timer,
};

/// An inbox whose calls take no virtual time.
#[derive(Clone)]
pub struct Timeless<I> {
    inbox: I,
    place: Arc<str>,
    timer: Arc<dyn Timer>,
    runtime: Arc<Runtime>,
    /// The last calls were claims, of nothing.
    quiet: Arc<Mutex<Option<Quiet>>>,
}

/// How often a claim that waits asks.
const EACH: Duration = Duration::from_secs(1);

/// When nothing was due for longer than this, one part of that time passes before the engine is
/// asked again: a worker that waits for days would ask it hundreds of thousands of times.
const LONG: Duration = Duration::from_secs(120);
const PART: u32 = 20;

#[derive(Debug, Clone, Copy)]
struct Quiet {
    since: Instant,
    ask_next: Instant,
}

impl<I> Timeless<I> {
    /// Opens an inbox on the runtime on which all its calls are made, at a place by which a test
    /// finds its tables.
    pub fn open(
        runtime: Arc<Runtime>,
        inbox: impl Future<Output = I>,
        place: &str,
        timer: impl Timer,
    ) -> Self {
        Self {
            inbox: runtime.block_on(inbox),
            place: place.into(),
            timer: Arc::new(timer),
            runtime,
            quiet: Arc::default(),
        }
    }

    pub fn place(&self) -> &str {
        &self.place
    }

    /// Another call of the engine.
    pub fn block_on<T>(&self, call: impl Future<Output = T>) -> T {
        self.runtime.block_on(call)
    }

    fn call<T>(&self, call: impl Future<Output = T>) -> T {
        *self.quiet() = None;
        self.runtime.block_on(call)
    }

    fn quiet(&self) -> MutexGuard<'_, Option<Quiet>> {
        self.quiet.lock().unwrap()
    }
}

impl<I: Inbox> Inbox for Timeless<I> {
    type Receipt = I::Receipt;

    async fn append(&self, entry: Entry) -> Result<Appended, AppendError> {
        self.call(self.inbox.append(entry))
    }

    async fn claim(
        &self,
        max: usize,
        wait: Duration,
    ) -> Result<Vec<Claimed<Self::Receipt>>, BoxError> {
        let end = self.timer.now() + wait;
        // Between two claims of an idle worker nothing becomes due in no time.
        let quiet = *self.quiet();
        if let Some(quiet) = quiet
            && !wait.is_zero()
        {
            self.timer.sleep(wait.min(EACH)).await;
            let is_quiet = self.quiet().is_some();
            if is_quiet && end <= self.timer.now() && end < quiet.ask_next {
                return Ok(Vec::new());
            }
        }
        loop {
            let asked = self.timer.now();
            let since = self.quiet().map_or(asked, |quiet| quiet.since);
            let claimed = self.call(self.inbox.claim(max, Duration::ZERO))?;
            let pause = (asked - since).saturating_sub(LONG) / PART;
            *self.quiet() = claimed.is_empty().then_some(Quiet {
                since,
                ask_next: asked + pause,
            });
            let left = end.saturating_duration_since(self.timer.now());
            if !claimed.is_empty() || left.is_zero() {
                return Ok(claimed);
            }
            self.timer.sleep(left.min(EACH)).await;
        }
    }

    async fn extend(&self, receipt: &Self::Receipt) -> Result<(), SettleError> {
        self.call(self.inbox.extend(receipt))
    }

    async fn settle(
        &self,
        receipt: &Self::Receipt,
        settlement: Settlement,
    ) -> Result<(), SettleError> {
        self.call(self.inbox.settle(receipt, settlement))
    }
}

impl<I: Browse> Browse for Timeless<I> {
    async fn stats(&self) -> Result<Stats, BoxError> {
        self.call(self.inbox.stats())
    }

    async fn dead(&self, before: Option<u64>, max: usize) -> Result<Vec<StoredEntry>, BoxError> {
        self.call(self.inbox.dead(before, max))
    }

    /// As the engine counts them.
    async fn dead_groups(&self, max: usize) -> Result<Vec<DeadGroup>, BoxError> {
        self.call(self.inbox.dead_groups(max))
    }

    async fn replay(&self, keys: &[EntryKey]) -> Result<usize, BoxError> {
        self.call(self.inbox.replay(keys))
    }

    async fn replay_dead(&self, keys: &[EntryKey]) -> Result<usize, BoxError> {
        self.call(self.inbox.replay_dead(keys))
    }

    async fn discard(&self, keys: &[EntryKey]) -> Result<usize, BoxError> {
        self.call(self.inbox.discard(keys))
    }
}

impl<I: Inspect> Inspect for Timeless<I> {
    async fn list(&self, query: &Query) -> Result<Vec<StoredEntry>, BoxError> {
        self.call(self.inbox.list(query))
    }

    async fn timeline(&self, key: EntryKey) -> Result<Vec<TimelineEvent>, BoxError> {
        self.call(self.inbox.timeline(key))
    }

    async fn purge_grant(&self, grant_id: &str) -> Result<usize, BoxError> {
        self.call(self.inbox.purge_grant(grant_id))
    }
}

impl<I> fmt::Debug for Timeless<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeless")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}
