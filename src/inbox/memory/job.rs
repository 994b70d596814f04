//! One entry in memory.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::inbox::{
    Claimed, DeadCause, Entry, EntryState, Happened, StoredEntry, TimelineEvent,
    engine::{MOST_EVENTS, OVERHEAD},
};

const LONGEST_TIMELINE: usize = MOST_EVENTS as usize;

pub(super) struct Job {
    pub(super) entry: Entry,
    pub(super) position: u64,
    pub(super) state: JobState,
    pub(super) crashes: u32,
    failures: u32,
    first_failure: Option<Instant>,
    why: String,
    timeline: VecDeque<TimelineEvent>,
}

#[derive(Clone, Copy)]
pub(super) enum JobState {
    /// To be claimed from this moment on: it was never claimed, or its claim was settled.
    Due(Instant),
    /// To be claimed again from this moment on, since its lease ends then.
    Claimed(Instant),
    Done,
    /// Since this moment.
    Dead(DeadCause, Instant),
}

impl Job {
    pub(super) fn new(entry: Entry, position: u64, due: Instant) -> Self {
        Self {
            entry,
            position,
            state: JobState::Due(due),
            crashes: 0,
            failures: 0,
            first_failure: None,
            why: String::new(),
            timeline: VecDeque::new(),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_entry(&self.entry)
    }

    /// When it is to be claimed, again or for the first time.
    pub(super) fn due(&self) -> Option<Instant> {
        match self.state {
            JobState::Due(at) | JobState::Claimed(at) => Some(at),
            JobState::Done | JobState::Dead(..) => None,
        }
    }

    pub(super) fn note(&mut self, at: Duration, what: Happened) {
        if self.timeline.len() == LONGEST_TIMELINE {
            self.timeline.pop_front();
        }
        self.timeline.push_back(TimelineEvent::new(at, what));
    }

    pub(super) fn timeline(&self) -> Vec<TimelineEvent> {
        self.timeline.iter().cloned().collect()
    }

    pub(super) fn retried(&mut self, due: Instant, failed: bool, why: String, now: Instant) {
        if failed {
            self.failures = self.failures.saturating_add(1);
            self.first_failure.get_or_insert(now);
        }
        self.why = why;
        self.state = JobState::Due(due);
    }

    pub(super) fn buried(&mut self, cause: DeadCause, why: String, now: Instant) {
        self.why = why;
        self.state = JobState::Dead(cause, now);
    }

    pub(super) fn replayed(&mut self, now: Instant) {
        self.crashes = 0;
        self.failures = 0;
        self.first_failure = None;
        self.state = JobState::Due(now);
    }

    pub(super) fn claimed<R>(&self, receipt: R, lease: Duration, now: Instant) -> Claimed<R> {
        let failing_for = self
            .first_failure
            .map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        Claimed::new(self.entry.clone(), receipt, lease)
            .crashed(self.crashes)
            .failed(self.failures, failing_for)
    }

    pub(super) fn entry_state(&self, now: Instant) -> EntryState {
        match self.state {
            JobState::Due(at) if at <= now => EntryState::Ready,
            JobState::Due(_) => EntryState::Waiting,
            JobState::Claimed(_) => EntryState::Claimed,
            JobState::Done => EntryState::Done,
            JobState::Dead(cause, _) => EntryState::Dead(cause),
        }
    }

    pub(super) fn stored(&self, now: Instant) -> StoredEntry {
        let entry = Some(self.entry.clone());
        let state = self.entry_state(now);
        let mut stored = StoredEntry::new(self.entry.key(), entry, state, self.position);
        stored.crashes = self.crashes;
        stored.failures = self.failures;
        stored.why.clone_from(&self.why);
        stored
    }
}

pub(super) fn size_of_entry(entry: &Entry) -> usize {
    let overhead = usize::try_from(OVERHEAD).unwrap_or(usize::MAX);
    entry.content().len().saturating_add(overhead)
}
