//! The entries that this worker has claimed and not settled yet.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::slots::Slot;
use crate::inbox::{Claimed, EntryKey};

/// While an engine is not reached, leases end. Then the worker may claim an entry once more that it
/// is still handling, or has handled and could not settle. The second claim waits here: it takes
/// over from the first one if that was lost, and else is started when the first one is settled.
pub(super) struct Held<R>(Mutex<HashMap<EntryKey, Option<Newer<R>>>>);

/// A claim with its slot.
pub(super) struct Newer<R> {
    pub(super) claimed: Claimed<R>,
    pub(super) slot: Slot,
}

impl<R> Default for Held<R> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<R> Held<R> {
    /// Returns the claim if its entry was not held; now it is.
    pub(super) fn enter(&self, newer: Newer<R>) -> Option<Newer<R>> {
        let key = newer.claimed.entry.key();
        let mut held = self.lock();
        if let Some(waiting) = held.get_mut(&key) {
            // Of two that wait, the later one has the lease.
            *waiting = Some(newer);
            return None;
        }
        held.insert(key, None);
        Some(newer)
    }

    /// The receipt of a later claim.
    pub(super) fn take_over(&self, key: EntryKey) -> Option<R> {
        let newer = self.lock().get_mut(&key)?.take()?;
        Some(newer.claimed.receipt)
    }

    /// The entry is settled. Returns the receipt of a later claim.
    pub(super) fn leave(&self, key: EntryKey) -> Option<R> {
        let newer = self.lock().remove(&key)??;
        Some(newer.claimed.receipt)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<EntryKey, Option<Newer<R>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
