//! An inbox in the memory of one process.

mod job;
mod receipt;
mod settings;
mod state;

use std::{
    fmt,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

pub use self::receipt::MemoryReceipt;
use self::{
    job::Job,
    settings::{Settings, after},
    state::{Now, State},
};
use super::{
    AppendError, Appended, Browse, Claimed, DeadGroup, Entry, EntryKey, EntryState, Inbox, Inspect,
    Query, SettleError, Settlement, Stats, StoredEntry, TimelineEvent, engine,
};
#[cfg(feature = "tokio")]
use crate::time::TokioTimer;
use crate::{
    report::BoxError,
    time::{Timer, within},
};

/// An inbox that is not durable: its entries are in the memory of this process, and are lost with
/// it. It is for tests, on virtual time as well, and for trying an inbox out.
///
/// A `200` for an entry in it promises no more than that a handler is called while the process
/// lives. Everything else is as an engine has to be: clones are handles of one inbox, claims are
/// fenced, and numbers of crashes and failures are exact.
///
/// # Panics
///
/// Its settings panic once it was cloned: they are those of all its handles.
#[derive(Clone)]
pub struct MemoryInbox {
    shared: Arc<Shared>,
}

struct Shared {
    settings: Settings,
    state: Mutex<State>,
    /// Something was made due.
    due: Notify,
}

impl MemoryInbox {
    /// How long a claim lasts by default: 30 seconds.
    pub const LEASE: Duration = engine::Settings::LEASE;

    /// How long a key is remembered by default: 72 hours.
    pub const WINDOW: Duration = engine::Settings::WINDOW;

    /// How many keys are remembered by default: 1,000,000, which take some 100 MB.
    pub const MAX_KEYS: usize = 1_000_000;

    /// What all entries take at most by default: 256 MiB.
    pub const MAX_BYTES: usize = 256 << 20;

    /// How long dead entries are kept by default: 30 days.
    pub const KEEP_DEAD_FOR: Duration = engine::Settings::KEEP_DEAD_FOR;

    /// An empty inbox with the defaults, which takes the time from tokio.
    #[cfg(feature = "tokio")]
    pub fn new() -> Self {
        Self::with_timer(TokioTimer)
    }

    /// An empty inbox with the defaults, on any runtime.
    pub fn with_timer(timer: impl Timer) -> Self {
        Self {
            shared: Arc::new(Shared {
                settings: Settings::new(Arc::new(timer)),
                state: Mutex::default(),
                due: Notify::new(),
            }),
        }
    }

    /// How long a claim lasts unless it is extended; by default [30 seconds](Self::LEASE).
    #[must_use]
    #[track_caller]
    pub fn lease(self, lease: Duration) -> Self {
        self.change(|settings| settings.lease = lease)
    }

    /// How long a key is remembered at least; by default [72 hours](Self::WINDOW).
    #[must_use]
    #[track_caller]
    pub fn window(self, window: Duration) -> Self {
        self.change(|settings| settings.window = window)
    }

    /// How many keys are remembered at most, apart from those of entries that are there; by default
    /// [1,000,000](Self::MAX_KEYS).
    #[must_use]
    #[track_caller]
    pub fn max_keys(self, keys: usize) -> Self {
        self.change(|settings| settings.max_keys = keys)
    }

    /// What all entries take at most, in bytes, each with 512 beside its content; by default
    /// [256 MiB](Self::MAX_BYTES). Beyond it, [`append`](Inbox::append) is
    /// [`AppendError::Full`]; nothing else has a limit.
    #[must_use]
    #[track_caller]
    pub fn max_bytes(self, bytes: usize) -> Self {
        self.change(|settings| settings.max_bytes = bytes)
    }

    /// Keeps what is done, to be replayed: for this time, and up to this number of bytes of all;
    /// by default nothing. It makes room as soon as new entries need it.
    #[must_use]
    #[track_caller]
    pub fn keep_done(self, duration: Duration, bytes: usize) -> Self {
        self.change(|settings| {
            settings.keep_done_for = duration;
            settings.keep_done_bytes = bytes;
        })
    }

    /// How long dead entries are kept; by default [30 days](Self::KEEP_DEAD_FOR).
    #[must_use]
    #[track_caller]
    pub fn keep_dead(self, duration: Duration) -> Self {
        self.change(|settings| settings.keep_dead_for = duration)
    }

    #[track_caller]
    fn change(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        match Arc::get_mut(&mut self.shared) {
            Some(shared) => change(&mut shared.settings),
            None => panic!("a setting of a `MemoryInbox` was changed after the inbox was cloned"),
        }
        self
    }

    fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// The entries, and the time: read behind the lock, so that times are in the order of changes.
    fn state(&self) -> (MutexGuard<'_, State>, Now) {
        // No method panics halfway, so what a panic has poisoned is still whole.
        let state = self.shared.state.lock();
        let state = state.unwrap_or_else(PoisonError::into_inner);
        let timer = &self.settings().timer;
        let now = Now {
            monotonic: timer.now(),
            unix: timer.unix_time(),
        };
        (state, now)
    }

    /// Changes the entries, and wakes those that wait for one.
    fn change_state<T>(&self, change: impl FnOnce(&mut State, &Settings, Now) -> T) -> T {
        let (mut state, now) = self.state();
        let changed = change(&mut state, self.settings(), now);
        drop(state);
        self.shared.due.notify_waiters();
        changed
    }
}

#[cfg(feature = "tokio")]
impl Default for MemoryInbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Inbox for MemoryInbox {
    type Receipt = MemoryReceipt;

    async fn append(&self, entry: Entry) -> Result<Appended, AppendError> {
        self.change_state(|state, settings, now| state.append(entry, settings, now))
    }

    async fn claim(
        &self,
        max: usize,
        wait: Duration,
    ) -> Result<Vec<Claimed<MemoryReceipt>>, BoxError> {
        let Shared { settings, due, .. } = &*self.shared;
        let until = after(settings.timer.now(), wait);
        loop {
            // Before looking, so that what is made due in between is noticed.
            let mut made_due = pin!(due.notified());
            made_due.as_mut().enable();
            let (claimed, next, now) = {
                let (mut state, now) = self.state();
                let claimed = state.claim(max, settings, now);
                (claimed, state.next_due(), now.monotonic)
            };
            if !claimed.is_empty() || max == 0 || now >= until {
                return Ok(claimed);
            }
            let until = next.map_or(until, |next| next.min(until));
            let pause = until.saturating_duration_since(now);
            within(&*settings.timer, pause, made_due).await;
        }
    }

    async fn extend(&self, receipt: &MemoryReceipt) -> Result<(), SettleError> {
        let (mut state, now) = self.state();
        state.extend(receipt, self.settings(), now)
    }

    async fn settle(
        &self,
        receipt: &MemoryReceipt,
        settlement: Settlement,
    ) -> Result<(), SettleError> {
        self.change_state(|state, settings, now| state.settle(receipt, settlement, settings, now))
    }
}

impl Browse for MemoryInbox {
    async fn stats(&self) -> Result<Stats, BoxError> {
        let (state, now) = self.state();
        Ok(state.stats(now))
    }

    async fn dead(&self, before: Option<u64>, max: usize) -> Result<Vec<StoredEntry>, BoxError> {
        let (state, now) = self.state();
        let is_dead = |stored: &StoredEntry| matches!(stored.state, EntryState::Dead(_));
        Ok(state.list(before, max, now, is_dead))
    }

    async fn dead_groups(&self, max: usize) -> Result<Vec<DeadGroup>, BoxError> {
        let (state, now) = self.state();
        Ok(state.dead_groups(max, now))
    }

    async fn replay(&self, keys: &[EntryKey]) -> Result<usize, BoxError> {
        Ok(self.change_state(|state, _, now| state.replay(keys, false, now)))
    }

    async fn replay_dead(&self, keys: &[EntryKey]) -> Result<usize, BoxError> {
        Ok(self.change_state(|state, _, now| state.replay(keys, true, now)))
    }

    async fn discard(&self, keys: &[EntryKey]) -> Result<usize, BoxError> {
        Ok(self.state().0.discard(keys))
    }
}

impl Inspect for MemoryInbox {
    async fn list(&self, query: &Query) -> Result<Vec<StoredEntry>, BoxError> {
        let (state, now) = self.state();
        let trigger = |entry: &Entry| entry.trigger().map(|trigger| trigger.to_string());
        let is_selected = |stored: &StoredEntry| {
            let is_of = |wanted: &Option<String>, of: fn(&Entry) -> Option<String>| {
                wanted.is_none() || stored.entry.as_ref().and_then(of) == *wanted
            };
            let has_trigger = || {
                stored
                    .entry
                    .as_ref()
                    .is_some_and(|one| one.trigger().is_some())
            };
            query.selects(stored.state)
                && !(query.no_trigger && has_trigger())
                && is_of(&query.trigger, trigger)
                && is_of(&query.grant_id, |entry| entry.grant_id().map(str::to_owned))
        };
        let Some(key) = query.key else {
            return Ok(state.list(query.before, query.max, now, is_selected));
        };
        let found = state.job(&key).map(|job| job.stored(now.monotonic));
        let is_before = |position| query.before.is_none_or(|before| position < before);
        let found = found.filter(|stored| is_before(stored.position) && is_selected(stored));
        Ok(found.into_iter().take(query.max).collect())
    }

    async fn timeline(&self, key: EntryKey) -> Result<Vec<TimelineEvent>, BoxError> {
        let (state, _) = self.state();
        Ok(state.job(&key).map(Job::timeline).unwrap_or_default())
    }

    async fn purge_grant(&self, grant_id: &str) -> Result<usize, BoxError> {
        Ok(self.state().0.purge_grant(grant_id))
    }
}

impl fmt::Debug for MemoryInbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (state, now) = self.state();
        f.debug_struct("MemoryInbox")
            .field("stats", &state.stats(now))
            .finish_non_exhaustive()
    }
}
