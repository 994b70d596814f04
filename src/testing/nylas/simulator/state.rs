//! What all parts of a simulator share.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use super::{
    AttemptRecord, Builder, Ledger, Readings, Status, Step,
    builder::{Spawn, Task},
    destination::Entry,
    draws::Counters,
    fault::Active,
    management::Api,
    network::Network,
    objects::Objects,
    time::Time,
};

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
    pub(super) counters: Counters,
    /// How many destinations were made.
    pub(super) ordinals: u64,
    /// How many attempts are due or sent, and not answered.
    pub(super) in_flight: usize,
    /// How many tasks are under way.
    tasks: usize,
    /// By the number of who waits until there is none.
    waiting: BTreeMap<u64, Waker>,
    next_waiting: u64,
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
            counters: Counters::default(),
            ordinals: 0,
            in_flight: 0,
            tasks: 0,
            waiting: BTreeMap::new(),
            next_waiting: 0,
        }
    }

    pub(super) fn entry(&mut self, id: &str) -> Option<&mut Entry> {
        let mut entries = self.destinations.iter_mut();
        entries.find(|entry| entry.destination.id.as_str() == id)
    }

    /// The ordinal of the destination that is made next.
    pub(super) fn next_ordinal(&self) -> u64 {
        self.ordinals + 1
    }
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // Nothing is changed halfway when something panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a task, which [`settled`](Self::settled) waits for.
    pub(super) fn spawn(self: &Arc<Self>, task: impl Future<Output = ()> + Send + 'static) {
        self.state().tasks += 1;
        let running = Running(self.clone());
        let task: Task = Box::pin(async move {
            let _running = running;
            task.await;
        });
        (self.spawn)(task);
    }

    /// How many tasks are under way.
    pub(super) fn under_way(&self) -> usize {
        self.state().tasks
    }

    /// Waits until no task is under way.
    pub(super) fn settled(self: &Arc<Self>) -> Settled {
        let mut state = self.state();
        state.next_waiting += 1;
        Settled {
            number: state.next_waiting,
            shared: self.clone(),
        }
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
            waiting.into_values().for_each(Waker::wake);
        }
    }
}

/// Leaves no waker behind when it is dropped.
pub(super) struct Settled {
    number: u64,
    shared: Arc<Shared>,
}

impl Future for Settled {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.shared.state();
        if state.tasks == 0 {
            return Poll::Ready(());
        }
        state.waiting.insert(self.number, cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Settled {
    fn drop(&mut self) {
        self.shared.state().waiting.remove(&self.number);
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

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use crate::testing::{VirtualClock, nylas::Simulator};

    #[test]
    fn who_waits_no_longer_leaves_nothing_behind() {
        let clock = VirtualClock::new();
        let nylas = Simulator::builder().clock(clock.clone()).build();
        nylas.shared.spawn(std::future::pending());
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..100 {
            let mut waiting = Box::pin(nylas.settled());
            assert!(waiting.as_mut().poll(&mut cx).is_pending());
            assert!(waiting.as_mut().poll(&mut cx).is_pending());
            assert_eq!(nylas.shared.state().waiting.len(), 1);
        }
        assert_eq!(nylas.shared.state().waiting.len(), 0);
        assert_eq!(nylas.under_way(), 1);
    }
}
