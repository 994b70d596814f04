//! What is kept no longer.

use std::time::Instant;

use super::{Key, State, is_over};
use crate::inbox::{
    EntryKey,
    memory::{
        job::{Job, JobState},
        settings::Settings,
    },
};

/// How many keys and entries each call forgets at most, so that none takes long.
const BATCH: usize = 64;

impl State {
    /// Forgets what is no longer to be kept, in small batches.
    pub(super) fn forget(&mut self, settings: &Settings, now: Instant) {
        for _ in 0..BATCH {
            match self.done.front() {
                Some((at, _)) if is_over(*at, settings.keep_done_for, now) => self.forget_done(),
                _ => break,
            };
        }
        for _ in 0..BATCH {
            match self.dead.front() {
                Some((at, key)) if is_over(*at, settings.keep_dead_for, now) => {
                    let (at, key) = (*at, *key);
                    self.dead.pop_front();
                    // It may have been replayed since, and may have died again.
                    let is_same =
                        |job: &Job| matches!(job.state, JobState::Dead(_, since) if since == at);
                    if self.job(&key).is_some_and(is_same) {
                        self.remove(&key);
                    }
                }
                _ => break,
            }
        }
        for _ in 0..BATCH {
            match self.window.front() {
                Some((at, ..)) if is_over(*at, settings.window, now) => self.forget_first_key(),
                _ => break,
            }
        }
    }

    /// Whether there was one.
    pub(super) fn forget_done(&mut self) -> bool {
        while let Some((_, key)) = self.done.pop_front() {
            // It may have been replayed since.
            if self
                .job(&key)
                .is_some_and(|job| matches!(job.state, JobState::Done))
            {
                return self.remove(&key);
            }
        }
        false
    }

    pub(super) fn forget_first_key(&mut self) {
        if let Some((_, position, key)) = self.window.pop_front() {
            let is_unused = |known: &Key| known.position == position && known.job.is_none();
            if self.keys.get(&key).is_some_and(is_unused) {
                self.keys.remove(&key);
            }
        }
    }

    /// Removes an entry and keeps its key, as long as its window lasts.
    pub(super) fn remove(&mut self, key: &EntryKey) -> bool {
        let Some(job) = self.keys.get_mut(key).and_then(|known| known.job.take()) else {
            return false;
        };
        if let Some(at) = job.due() {
            self.due.remove(&(at, job.position));
        }
        if matches!(job.state, JobState::Done) {
            self.done_bytes -= job.bytes();
        }
        self.by_position.remove(&job.position);
        self.bytes -= job.bytes();
        // Its window may have ended before.
        let first = self.window.front().map(|(_, position, _)| *position);
        let is_known = |known: &Key| first.is_some_and(|first| first <= known.position);
        if !self.keys.get(key).is_some_and(is_known) {
            self.keys.remove(key);
        }
        true
    }
}
