//! What all parts of a simulator share.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use super::{
    AttemptRecord, Builder, Ledger, Readings, Status, Step,
    builder::{Spawn, Task},
    destination::Entry,
    fault::Active,
    management::Api,
    network::Network,
    objects::Objects,
    time::Time,
};
use crate::testing::nylas::random::Random;

pub(super) struct Shared {
    pub(super) time: Time,
    pub(super) spawn: Spawn,
    pub(super) seed: u64,
    pub(super) api_key: String,
    pub(super) readings: Readings,
    pub(super) state: Mutex<State>,
}

pub(super) struct State {
    pub(super) destinations: Vec<Entry>,
    pub(super) network: Network,
    pub(super) faults: Vec<Arc<Active>>,
    pub(super) objects: Objects,
    pub(super) ledger: Ledger,
    pub(super) api: Api,
    /// How many sequences of numbers were drawn from the seed for ids, secrets and challenges.
    draws: u64,
    /// How many destinations were made.
    ordinals: u64,
    /// How many tasks are under way.
    tasks: usize,
    waiting: Vec<Waker>,
}

impl State {
    pub(super) fn new(network: Network, ledger: Ledger) -> Self {
        Self {
            destinations: Vec::new(),
            network,
            faults: Vec::new(),
            objects: Objects::default(),
            ledger,
            api: Api::default(),
            draws: 0,
            ordinals: 0,
            tasks: 0,
            waiting: Vec::new(),
        }
    }

    pub(super) fn entry(&mut self, id: &str) -> Option<&mut Entry> {
        let mut entries = self.destinations.iter_mut();
        entries.find(|entry| entry.destination.id.as_str() == id)
    }

    pub(super) fn next_ordinal(&mut self) -> u64 {
        self.ordinals += 1;
        self.ordinals
    }

    fn poll_settled(&mut self, cx: &Context<'_>) -> Poll<()> {
        if self.tasks == 0 {
            return Poll::Ready(());
        }
        if !self.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            self.waiting.push(cx.waker().clone());
        }
        Poll::Pending
    }
}

const IDS: u64 = 0;

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // Nothing is changed halfway when something panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Numbers for an id, a secret or a challenge.
    pub(super) fn draw(&self) -> Random {
        let mut state = self.state();
        state.draws += 1;
        Random::of(self.seed, &[IDS, state.draws])
    }

    /// Runs a task, which [`poll_settled`](Self::poll_settled) waits for.
    pub(super) fn spawn(self: &Arc<Self>, task: impl Future<Output = ()> + Send + 'static) {
        self.state().tasks += 1;
        let running = Running(self.clone());
        let task: Task = Box::pin(async move {
            let _running = running;
            task.await;
        });
        (self.spawn)(task);
    }

    pub(super) fn poll_settled(&self, cx: &Context<'_>) -> Poll<()> {
        self.state().poll_settled(cx)
    }

    /// Enters an attempt, and draws the conclusions for its destination.
    pub(super) fn record(&self, number: u64, attempt: impl FnOnce(u64) -> AttemptRecord) {
        let (now, unix) = (self.time.elapsed(), self.time.unix());
        let mut state = self.state();
        let attempt = attempt(state.ledger.next_order());
        let is_accepted = attempt.seen.is_accepted();
        let id = attempt.destination.clone();
        state.ledger.add_attempt(number, attempt);
        let Some(entry) = state.entry(id.as_str()) else {
            return;
        };
        let old = entry.destination.status;
        let new = entry.answers.add(is_accepted, old, &self.readings, now);
        if new == old {
            return;
        }
        entry.set_status(new, unix);
        let addresses = &entry.destination.notification_email_addresses;
        let addresses = addresses.clone();
        state.ledger.note(now, Some(&id), Step::Status(new));
        if matches!(new, Status::Failing | Status::Failed) {
            for address in addresses {
                let step = Step::Mailed(address, new);
                state.ledger.note(now, Some(&id), step);
            }
        }
    }
}

/// A task that is under way until this is dropped.
struct Running(Arc<Shared>);

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.tasks -= 1;
        if state.tasks == 0 {
            let waiting = std::mem::take(&mut state.waiting);
            drop(state);
            waiting.into_iter().for_each(Waker::wake);
        }
    }
}

impl super::Simulator {
    pub(super) fn new(shared: Shared) -> Self {
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The settings of a new one.
    pub fn builder() -> Builder {
        Builder::new()
    }
}
