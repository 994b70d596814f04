//! All entries in memory, and the keys of earlier ones.

mod browse;
mod forget;

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    time::{Duration, Instant},
};

use super::{
    job::{Job, JobState, size_of_entry},
    receipt::MemoryReceipt,
    settings::{Settings, after},
};
use crate::inbox::{
    AppendError, Appended, Claimed, Entry, EntryKey, Happened, SettleError, Settlement,
};

/// The present moment on both clocks.
#[derive(Clone, Copy)]
pub(super) struct Now {
    pub(super) monotonic: Instant,
    /// Only to be shown.
    pub(super) unix: Duration,
}

#[derive(Default)]
pub(super) struct State {
    keys: HashMap<EntryKey, Key>,
    /// When each key was stored, the first one first. A key whose entry is still there when its
    /// window ends is taken out here.
    window: VecDeque<(Instant, u64, EntryKey)>,
    /// Those that are to be claimed, and those that will be if their leases end.
    due: BTreeMap<(Instant, u64), EntryKey>,
    /// All that are there.
    by_position: BTreeMap<u64, EntryKey>,
    /// Done and kept, the first one first.
    done: VecDeque<(Instant, EntryKey)>,
    done_bytes: usize,
    /// The first one first. Those that were replayed meanwhile are passed over.
    dead: VecDeque<(Instant, EntryKey)>,
    bytes: usize,
    last_position: u64,
    last_token: u64,
}

struct Key {
    stored_at: Instant,
    /// Of its entry.
    position: u64,
    /// Of the last claim; 0 before the first.
    token: u64,
    job: Option<Box<Job>>,
}

impl State {
    pub(super) fn append(
        &mut self,
        entry: Entry,
        settings: &Settings,
        now: Now,
    ) -> Result<Appended, AppendError> {
        self.forget(settings, now.monotonic);
        let key = entry.key();
        if let Some(known) = self.keys.get(&key)
            && (known.job.is_some() || !is_over(known.stored_at, settings.window, now.monotonic))
        {
            return Ok(Appended::Duplicate);
        }
        let size = size_of_entry(&entry);
        if size > settings.max_bytes {
            let limit = settings
                .max_bytes
                .saturating_sub(size - entry.content().len());
            return Err(AppendError::TooLarge { limit });
        }
        while self.bytes.saturating_add(size) > settings.max_bytes {
            // What is done makes room first, and what is not never does.
            if !self.forget_done() {
                return Err(AppendError::Full);
            }
        }
        self.last_position += 1;
        let mut job = Job::new(entry, self.last_position, now.monotonic);
        job.note(now.unix, Happened::Stored);
        self.bytes += size;
        self.due.insert((now.monotonic, job.position), key);
        self.by_position.insert(job.position, key);
        let stored = Key {
            stored_at: now.monotonic,
            position: job.position,
            token: 0,
            job: Some(Box::new(job)),
        };
        self.keys.insert(key, stored);
        self.window
            .push_back((now.monotonic, self.last_position, key));
        while self.window.len() > settings.max_keys {
            self.forget_first_key();
        }
        Ok(Appended::New)
    }

    pub(super) fn claim(
        &mut self,
        max: usize,
        settings: &Settings,
        now: Now,
    ) -> Vec<Claimed<MemoryReceipt>> {
        self.forget(settings, now.monotonic);
        let mut claimed = Vec::new();
        while claimed.len() < max
            && let Some(first) = self.due.first_entry()
            && first.key().0 <= now.monotonic
        {
            let key = first.remove();
            self.last_token += 1;
            let token = self.last_token;
            let until = after(now.monotonic, settings.lease);
            let Some(Key {
                job: Some(job),
                token: last,
                ..
            }) = self.keys.get_mut(&key)
            else {
                continue;
            };
            *last = token;
            if matches!(job.state, JobState::Claimed(_)) {
                job.crashes = job.crashes.saturating_add(1);
                job.note(now.unix, Happened::Crashed);
            }
            job.note(now.unix, Happened::Claimed);
            job.state = JobState::Claimed(until);
            self.due.insert((until, job.position), key);
            let receipt = MemoryReceipt { key, token };
            claimed.push(job.claimed(receipt, settings.lease, now.monotonic));
        }
        claimed
    }

    /// When the next one is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    pub(super) fn extend(
        &mut self,
        receipt: &MemoryReceipt,
        settings: &Settings,
        now: Now,
    ) -> Result<(), SettleError> {
        let (due, job) = self.held(receipt)?;
        let until = after(now.monotonic, settings.lease);
        if let Some(at) = job.due() {
            due.remove(&(at, job.position));
        }
        job.state = JobState::Claimed(until);
        due.insert((until, job.position), receipt.key);
        Ok(())
    }

    pub(super) fn settle(
        &mut self,
        receipt: &MemoryReceipt,
        settlement: Settlement,
        settings: &Settings,
        now: Now,
    ) -> Result<(), SettleError> {
        self.forget(settings, now.monotonic);
        let (due, job) = self.held(receipt)?;
        if let Some(at) = job.due() {
            due.remove(&(at, job.position));
        }
        job.note(now.unix, Happened::Settled(settlement.clone()));
        match settlement {
            Settlement::Retry {
                after: wait,
                failed,
                why,
            } => {
                let at = after(now.monotonic, wait);
                job.retried(at, failed, why, now.monotonic);
                due.insert((at, job.position), receipt.key);
            }
            Settlement::Dead { cause, why } => {
                job.buried(cause, why, now.monotonic);
                self.dead.push_back((now.monotonic, receipt.key));
            }
            Settlement::Done => {
                job.state = JobState::Done;
                let size = job.bytes();
                self.done.push_back((now.monotonic, receipt.key));
                self.done_bytes += size;
                while self.done_bytes > settings.keep_done_bytes && self.forget_done() {}
            }
        }
        Ok(())
    }

    /// The job of a claim that no other has replaced.
    #[allow(clippy::type_complexity)]
    fn held(
        &mut self,
        receipt: &MemoryReceipt,
    ) -> Result<(&mut BTreeMap<(Instant, u64), EntryKey>, &mut Job), SettleError> {
        match self.keys.get_mut(&receipt.key) {
            Some(Key {
                token,
                job: Some(job),
                ..
            }) if *token == receipt.token && matches!(job.state, JobState::Claimed(_)) => {
                Ok((&mut self.due, job))
            }
            _ => Err(SettleError::LeaseLost),
        }
    }

    pub(super) fn job(&self, key: &EntryKey) -> Option<&Job> {
        self.keys.get(key)?.job.as_deref()
    }

    fn jobs(&self) -> impl Iterator<Item = &Job> {
        self.by_position.values().filter_map(|key| self.job(key))
    }
}

fn is_over(since: Instant, duration: Duration, now: Instant) -> bool {
    now.saturating_duration_since(since) >= duration
}
