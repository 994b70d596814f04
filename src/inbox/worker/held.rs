//! The entries that this worker has claimed and not settled yet.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::slots::Slot;
use crate::inbox::{Claimed, EntryKey};

/// While an engine is not reached, leases end. Then the worker may claim an entry once more that it
/// is still handling, or has handled and could not settle. The second claim waits here: it takes
/// over from the first one if that was lost, and else is settled with it.
pub(super) struct Held<R>(Mutex<State<R>>);

struct State<R> {
    entries: HashMap<EntryKey, HeldEntry<R>>,
    /// How many leases of an entry have ended here while it was held: the engine counts them as
    /// crashes, and no process has ended.
    lapses: HashMap<EntryKey, u32>,
}

struct HeldEntry<R> {
    /// Of its latest claim.
    crashes: u32,
    newer: Option<Newer<R>>,
}

/// A claim with its slot.
pub(super) struct Newer<R> {
    pub(super) claimed: Claimed<R>,
    pub(super) slot: Slot,
}

/// Of how many entries the lapses are known at most. Others die after five of them.
const MOST_LAPSED: usize = 10_000;

impl<R> Default for Held<R> {
    fn default() -> Self {
        Self(Mutex::new(State {
            entries: HashMap::new(),
            lapses: HashMap::new(),
        }))
    }
}

impl<R> Held<R> {
    /// Returns the claim if its entry was not held; now it is.
    pub(super) fn enter(&self, newer: Newer<R>) -> Option<Newer<R>> {
        let Claimed { entry, crashes, .. } = &newer.claimed;
        let (key, crashes) = (entry.key(), *crashes);
        let State { entries, lapses } = &mut *self.lock();
        if let Some(held) = entries.get_mut(&key) {
            let lapsed = crashes.saturating_sub(held.crashes);
            if lapses.len() < MOST_LAPSED || lapses.contains_key(&key) {
                let known = lapses.entry(key).or_default();
                *known = known.saturating_add(lapsed);
            }
            // Of two that wait, the later one has the lease.
            *held = HeldEntry {
                crashes,
                newer: Some(newer),
            };
            return None;
        }
        let newcomer = HeldEntry {
            crashes,
            newer: None,
        };
        entries.insert(key, newcomer);
        Some(newer)
    }

    /// How many claims of an entry have ended with their process, as far as this one can tell.
    pub(super) fn crashes(&self, claimed: &Claimed<R>) -> u32 {
        let lapses = self.lock().lapses.get(&claimed.entry.key()).copied();
        claimed.crashes.saturating_sub(lapses.unwrap_or(0))
    }

    /// A later claim.
    pub(super) fn take_over(&self, key: EntryKey) -> Option<Claimed<R>> {
        let newer = self.lock().entries.get_mut(&key)?.newer.take()?;
        Some(newer.claimed)
    }

    /// The entry is settled, for the last time or not. Returns a later claim.
    pub(super) fn leave(&self, key: EntryKey, is_last: bool) -> Option<Claimed<R>> {
        let mut state = self.lock();
        if is_last {
            state.lapses.remove(&key);
        }
        let newer = state.entries.remove(&key)?.newer?;
        Some(newer.claimed)
    }

    pub(super) fn holds(&self, key: EntryKey) -> bool {
        self.lock().entries.contains_key(&key)
    }

    fn lock(&self) -> MutexGuard<'_, State<R>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
