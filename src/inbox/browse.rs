//! What an operator sees of an inbox, and does to it.

use std::{cmp::Reverse, collections::HashMap, time::Duration};

use super::{DeadCause, Entry, EntryKey, Inbox};
use crate::report::BoxError;

/// Shows how an inbox is doing and what is dead in it, and lets dead entries be handled again.
pub trait Browse: Inbox {
    /// How many entries there are of each state.
    ///
    /// # Errors
    ///
    /// Those of the engine.
    fn stats(&self) -> impl Future<Output = Result<Stats, BoxError>> + Send;

    /// The dead entries, the last one first: up to `max`, with positions below `before`. Fewer than
    /// `max` are the last ones, unless their contents have a mebibyte or more in all: an engine
    /// need not bring many large ones at once, but at least one.
    ///
    /// # Errors
    ///
    /// Those of the engine.
    fn dead(
        &self,
        before: Option<u64>,
        max: usize,
    ) -> impl Future<Output = Result<Vec<StoredEntry>, BoxError>> + Send;

    /// The dead entries, counted by trigger and cause, the largest group first: up to `max` groups.
    ///
    /// By default, the last 10,000 dead entries are read and counted. Engines that can count better
    /// count all of them.
    ///
    /// # Errors
    ///
    /// Those of the engine.
    fn dead_groups(
        &self,
        max: usize,
    ) -> impl Future<Output = Result<Vec<DeadGroup>, BoxError>> + Send {
        count_groups(self, max)
    }

    /// Lets dead entries, and those that are done and kept, be handled again at once, without their
    /// crashes and failures. Returns how many; keys of other entries are passed over.
    ///
    /// # Errors
    ///
    /// Those of the engine.
    fn replay(&self, keys: &[EntryKey]) -> impl Future<Output = Result<usize, BoxError>> + Send;

    /// The same, of those only that are dead when it happens: one that an operator has seen dead,
    /// and that was replayed and handled since, is not handled once more.
    ///
    /// By default it is [`replay`](Self::replay), which is the same for an engine that keeps
    /// nothing that is done.
    ///
    /// # Errors
    ///
    /// Those of the engine.
    fn replay_dead(
        &self,
        keys: &[EntryKey],
    ) -> impl Future<Output = Result<usize, BoxError>> + Send {
        self.replay(keys)
    }

    /// Deletes dead entries. Their keys are remembered. Returns how many; keys of other entries are
    /// passed over.
    ///
    /// # Errors
    ///
    /// Those of the engine.
    fn discard(&self, keys: &[EntryKey]) -> impl Future<Output = Result<usize, BoxError>> + Send;
}

/// Looks into single entries. Engines that cannot search, as one over a stream, do not implement
/// it.
pub trait Inspect: Browse {
    /// The entries that a query selects, the last one first. Fewer than its `max` may not be all,
    /// as of [`dead`](Browse::dead).
    ///
    /// # Errors
    ///
    /// Those of the engine.
    fn list(
        &self,
        query: &Query,
    ) -> impl Future<Output = Result<Vec<StoredEntry>, BoxError>> + Send;

    /// What has happened to an entry, the earliest first, as far as it is kept; empty if there is
    /// no such entry.
    ///
    /// # Errors
    ///
    /// Those of the engine.
    fn timeline(
        &self,
        key: EntryKey,
    ) -> impl Future<Output = Result<Vec<TimelineEvent>, BoxError>> + Send;

    /// Deletes all entries of a grant that are not claimed, in whatever state they are, for
    /// instance after a user has asked for it. Their keys are remembered. Returns how many.
    ///
    /// # Errors
    ///
    /// Those of the engine.
    fn purge_grant(&self, grant_id: &str) -> impl Future<Output = Result<usize, BoxError>> + Send;
}

/// How many dead entries are counted, and how many of them are read at a time, for an engine that
/// does not count by itself: their contents come with them, of up to 16 MiB each. No more than one
/// such page is held.
const MOST_COUNTED: usize = 10_000;
const PAGE: usize = 16;

pub(super) async fn count_groups<I: Browse>(
    inbox: &I,
    max: usize,
) -> Result<Vec<DeadGroup>, BoxError> {
    let mut groups = Groups::default();
    let mut before = None;
    for _ in 0..MOST_COUNTED / PAGE {
        let page = inbox.dead(before, PAGE).await?;
        let Some(last) = page.last() else { break };
        before = Some(last.position);
        for stored in page {
            groups.add(&stored);
        }
    }
    Ok(groups.largest(max))
}

/// Counts dead entries, which come with the last one first. Of each group, some hundred bytes are
/// kept, and no content.
#[derive(Default)]
pub(super) struct Groups(HashMap<(Option<String>, DeadCause), (u64, LastDead)>);

impl Groups {
    pub(super) fn add(&mut self, stored: &StoredEntry) {
        let EntryState::Dead(cause) = stored.state else {
            return;
        };
        let trigger = stored.entry.as_ref().and_then(Entry::trigger);
        let trigger = trigger.map(|trigger| trigger.to_string());
        let group = self.0.entry((trigger, cause));
        let (count, _) = group.or_insert_with(|| (0, LastDead::of(stored)));
        *count += 1;
    }

    pub(super) fn largest(self, max: usize) -> Vec<DeadGroup> {
        let groups = self.0.into_iter();
        let mut groups: Vec<_> = groups
            .map(|((trigger, cause), (count, last))| DeadGroup {
                trigger,
                cause,
                count,
                last,
            })
            .collect();
        groups.sort_by_key(|group| (Reverse(group.count), Reverse(group.last.position)));
        groups.truncate(max);
        groups
    }
}

/// Dead entries that have a trigger and a cause in common.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadGroup {
    /// Their trigger; `None` for those without one, and those that cannot be read.
    pub trigger: Option<String>,
    /// Why they are dead.
    pub cause: DeadCause,
    /// How many there are.
    pub count: u64,
    /// The one with the highest position.
    pub last: LastDead,
}

impl DeadGroup {
    /// So many entries, of which this one has the highest position. Its content is not kept.
    #[allow(clippy::needless_pass_by_value)] // so that the content is freed here
    pub fn new(trigger: Option<String>, cause: DeadCause, count: u64, last: StoredEntry) -> Self {
        Self {
            trigger,
            cause,
            count,
            last: LastDead::of(&last),
        }
    }
}

/// The last entry of a [`DeadGroup`], without its content: with those, the groups of an inbox could
/// take gigabytes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LastDead {
    /// Its key.
    pub key: EntryKey,
    /// Its place in the inbox.
    pub position: u64,
    /// When it was received, since the Unix epoch; `None` if it cannot be read.
    pub received_at: Option<Duration>,
    /// Why it is dead.
    pub why: String,
}

impl LastDead {
    fn of(stored: &StoredEntry) -> Self {
        Self {
            key: stored.key,
            position: stored.position,
            received_at: stored.entry.as_ref().map(Entry::received_at),
            why: stored.why.clone(),
        }
    }
}

/// How many entries of each state an inbox has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Due, and claimed by nobody: the depth of the queue.
    pub ready: u64,
    /// Not due yet.
    pub waiting: u64,
    /// Claimed, also if the lease has run out.
    pub claimed: u64,
    /// Dead.
    pub dead: u64,
    /// Done, and kept.
    pub done: u64,
    /// What all of them take, in bytes.
    pub bytes: u64,
    /// How long the entry that has been due for longest has been due; `None` if none is.
    pub oldest_ready: Option<Duration>,
}

/// What an engine has stored of one entry.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StoredEntry {
    /// Its key.
    pub key: EntryKey,
    /// The entry; `None` if it cannot be read.
    pub entry: Option<Entry>,
    /// Its state.
    pub state: EntryState,
    /// Its place in the inbox: later entries have higher ones.
    pub position: u64,
    /// As [`Claimed::crashes`](super::Claimed::crashes).
    pub crashes: u32,
    /// As [`Claimed::failures`](super::Claimed::failures).
    pub failures: u32,
    /// The reason of the last settlement; empty without one.
    pub why: String,
}

impl StoredEntry {
    /// An entry that has neither crashed nor failed.
    pub fn new(key: EntryKey, entry: Option<Entry>, state: EntryState, position: u64) -> Self {
        Self {
            key,
            entry,
            state,
            position,
            crashes: 0,
            failures: 0,
            why: String::new(),
        }
    }
}

/// Where an entry is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EntryState {
    /// It is due.
    Ready,
    /// It is not due yet.
    Waiting,
    /// A worker has it.
    Claimed,
    /// It was handled, and is kept.
    Done,
    /// It does not come again, for this reason.
    Dead(DeadCause),
}

/// Which entries [`Inspect::list`] returns: by default the last 100, of any kind.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Query {
    /// With this key.
    pub key: Option<EntryKey>,
    /// Of this state.
    pub state: Option<EntryState>,
    /// Of the state [`Dead`](EntryState::Dead), whatever the cause is, if that is the state.
    pub any_cause: bool,
    /// With exactly this trigger.
    pub trigger: Option<String>,
    /// Without a trigger. As in [`DeadGroup::trigger`], an engine that cannot tell what an entry
    /// that cannot be read has says that it has none.
    pub no_trigger: bool,
    /// Of this grant.
    pub grant_id: Option<String>,
    /// With a position below this one: the last one of the page before.
    pub before: Option<u64>,
    /// So many at most.
    pub max: usize,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            key: None,
            state: None,
            any_cause: false,
            trigger: None,
            no_trigger: false,
            grant_id: None,
            before: None,
            max: 100,
        }
    }
}

impl Query {
    /// Whether an entry of this state is selected, by its state alone.
    pub fn selects(&self, state: EntryState) -> bool {
        match self.state {
            None => true,
            Some(EntryState::Dead(_)) if self.any_cause => matches!(state, EntryState::Dead(_)),
            Some(wanted) => wanted == state,
        }
    }
}

/// What has happened to an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimelineEvent {
    /// When, since the Unix epoch.
    pub at: Duration,
    /// What.
    pub what: Happened,
}

impl TimelineEvent {
    /// An event at this time since the Unix epoch.
    pub fn new(at: Duration, what: Happened) -> Self {
        Self { at, what }
    }
}

/// What can happen to an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Happened {
    /// It was stored.
    Stored,
    /// A worker has claimed it.
    Claimed,
    /// A claim has ended without a settlement. Found out when it was claimed again.
    Crashed,
    /// It was settled.
    Settled(super::Settlement),
    /// It was replayed.
    Replayed,
}
