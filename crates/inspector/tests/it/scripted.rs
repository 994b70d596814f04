//! An engine that can only be browsed, and does what a test wants.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use tower_nylas::{
    BoxError,
    inbox::{
        Browse, DeadCause, Entry, EntryKey, EntryState, Inbox, MemoryInbox, MemoryReceipt, Stats,
        StoredEntry,
    },
    testing,
};
use tower_nylas_kit::forward;

use crate::stage::{notification, now};

#[derive(Clone)]
pub(crate) struct Scripted(Arc<Script>);

pub(crate) struct Script {
    inner: MemoryInbox,
    /// By their positions, which count from 1.
    dead: Vec<StoredEntry>,
    /// Whether nothing that is asked for comes.
    pub(crate) hangs: AtomicBool,
    /// How many calls there were.
    pub(crate) asked: AtomicUsize,
    /// How many dead entries were read.
    pub(crate) read: AtomicUsize,
    /// How many calls change something before one fails.
    pub(crate) works: AtomicUsize,
}

impl std::ops::Deref for Scripted {
    type Target = Script;

    fn deref(&self) -> &Script {
        &self.0
    }
}

impl Scripted {
    /// With dead entries of these triggers; of an empty name without one.
    pub(crate) fn new<'a>(triggers: impl IntoIterator<Item = &'a str>) -> Self {
        let dead = triggers
            .into_iter()
            .zip(1_u64..)
            .map(|(trigger, position)| {
                let body = match trigger {
                    "" => format!("{{\"id\":\"n-{position}\"}}"),
                    _ => notification(trigger, &format!("n-{position}"), "g-1", "a mail"),
                };
                let entry = Entry::new(&testing::verified_by("default", body), now());
                let state = EntryState::Dead(DeadCause::Malformed);
                StoredEntry::new(entry.key(), Some(entry), state, position)
            });
        Self(Arc::new(Script {
            inner: MemoryInbox::new(),
            dead: dead.collect(),
            hangs: AtomicBool::default(),
            asked: AtomicUsize::default(),
            read: AtomicUsize::default(),
            works: AtomicUsize::new(usize::MAX),
        }))
    }

    pub(crate) fn keys(&self) -> Vec<EntryKey> {
        self.dead.iter().map(|stored| stored.key).collect()
    }

    async fn answer(&self) {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.hangs.load(Ordering::SeqCst) {
            pending::<()>().await;
        }
    }

    async fn change(&self, keys: &[EntryKey]) -> Result<usize, BoxError> {
        self.answer().await;
        let left = self.works.load(Ordering::SeqCst);
        let left = left.checked_sub(1).ok_or("the disk is full")?;
        self.works.store(left, Ordering::SeqCst);
        Ok(keys.len())
    }
}

impl Inbox for Scripted {
    type Receipt = MemoryReceipt;

    forward!(inner: append, claim, extend, settle);
}

impl Browse for Scripted {
    async fn stats(&self) -> Result<Stats, BoxError> {
        self.answer().await;
        let mut stats = Stats::default();
        stats.dead = self.dead.len() as u64;
        Ok(stats)
    }

    async fn dead(&self, before: Option<u64>, max: usize) -> Result<Vec<StoredEntry>, BoxError> {
        self.answer().await;
        let end = before.map_or(self.dead.len(), |before| {
            usize::try_from(before.saturating_sub(1)).unwrap_or(usize::MAX)
        });
        let below = self.dead[..end.min(self.dead.len())].iter().rev();
        let page: Vec<_> = below.take(max).cloned().collect();
        self.read.fetch_add(page.len(), Ordering::SeqCst);
        Ok(page)
    }

    async fn replay(&self, keys: &[EntryKey]) -> Result<usize, BoxError> {
        self.change(keys).await
    }

    async fn discard(&self, keys: &[EntryKey]) -> Result<usize, BoxError> {
        self.change(keys).await
    }
}
