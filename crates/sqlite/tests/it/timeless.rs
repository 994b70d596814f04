//! The engine in virtual time.
//!
//! Its threads run in real time, of which a virtual clock knows nothing: it would advance while a
//! transaction is under way. So a call of this inbox blocks until the engine has answered, and
//! takes no virtual time.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::runtime::{Builder, Runtime};
use tower_nylas::{
    BoxError,
    inbox::{
        AppendError, Appended, Browse, Claimed, Entry, EntryKey, Inbox, Inspect, Query,
        SettleError, Settlement, Stats, StoredEntry, TimelineEvent,
    },
    time::Timer,
};
use tower_nylas_sqlite::{SqliteInbox, SqliteInboxBuilder, SqliteReceipt};

#[derive(Clone)]
pub(crate) struct Timeless {
    inbox: SqliteInbox,
    path: PathBuf,
    timer: Arc<dyn Timer>,
    runtime: Arc<Runtime>,
    /// The last call was a claim, of nothing.
    is_quiet: Arc<AtomicBool>,
}

/// How often a claim that waits asks.
const EACH: Duration = Duration::from_secs(1);

impl Timeless {
    pub(crate) fn open(builder: SqliteInboxBuilder, path: PathBuf, timer: Arc<dyn Timer>) -> Self {
        let runtime = Builder::new_current_thread().build().unwrap();
        let inbox = runtime.block_on(builder.open(&path)).unwrap();
        Self {
            inbox,
            path,
            timer,
            runtime: Arc::new(runtime),
            is_quiet: Arc::default(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn call<T>(&self, call: impl Future<Output = T>) -> T {
        self.is_quiet.store(false, Ordering::SeqCst);
        self.runtime.block_on(call)
    }
}

impl Inbox for Timeless {
    type Receipt = SqliteReceipt;

    async fn append(&self, entry: Entry) -> Result<Appended, AppendError> {
        self.call(self.inbox.append(entry))
    }

    async fn claim(
        &self,
        max: usize,
        wait: Duration,
    ) -> Result<Vec<Claimed<SqliteReceipt>>, BoxError> {
        let end = self.timer.now() + wait;
        // Between two claims of an idle worker nothing becomes due in no time.
        if !wait.is_zero() && self.is_quiet.load(Ordering::SeqCst) {
            self.timer.sleep(wait.min(EACH)).await;
        }
        loop {
            let claimed = self.call(self.inbox.claim(max, Duration::ZERO))?;
            self.is_quiet.store(claimed.is_empty(), Ordering::SeqCst);
            let left = end.saturating_duration_since(self.timer.now());
            if !claimed.is_empty() || left.is_zero() {
                return Ok(claimed);
            }
            self.timer.sleep(left.min(EACH)).await;
        }
    }

    async fn extend(&self, receipt: &SqliteReceipt) -> Result<(), SettleError> {
        self.call(self.inbox.extend(receipt))
    }

    async fn settle(
        &self,
        receipt: &SqliteReceipt,
        settlement: Settlement,
    ) -> Result<(), SettleError> {
        self.call(self.inbox.settle(receipt, settlement))
    }
}

impl Browse for Timeless {
    async fn stats(&self) -> Result<Stats, BoxError> {
        self.call(self.inbox.stats())
    }

    async fn dead(&self, before: Option<u64>, max: usize) -> Result<Vec<StoredEntry>, BoxError> {
        self.call(self.inbox.dead(before, max))
    }

    async fn replay(&self, keys: &[EntryKey]) -> Result<usize, BoxError> {
        self.call(self.inbox.replay(keys))
    }

    async fn discard(&self, keys: &[EntryKey]) -> Result<usize, BoxError> {
        self.call(self.inbox.discard(keys))
    }
}

impl Inspect for Timeless {
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
