//! What callers want, until a lane takes it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};

use crate::error::Failure;

/// Calls that wait, each with a weight. Whoever finds no room for its call waits for it.
pub(crate) struct Queue<T, R> {
    pending: Mutex<Pending<T, R>>,
    /// Something was added, or the queue closed.
    changed: Notify,
    room: Arc<Semaphore>,
    most: u32,
}

struct Pending<T, R> {
    calls: VecDeque<Waiting<T, R>>,
    is_closed: bool,
}

/// A call, and where its answer goes. What it weighs is free when it is dropped.
pub(crate) struct Waiting<T, R> {
    pub(crate) what: T,
    pub(crate) reply: oneshot::Sender<R>,
    weight: u32,
    _place: OwnedSemaphorePermit,
}

impl<T, R> Queue<T, R> {
    /// With room for calls of this weight.
    pub(crate) fn new(most: u32) -> Self {
        Self {
            pending: Mutex::new(Pending {
                calls: VecDeque::new(),
                is_closed: false,
            }),
            changed: Notify::new(),
            room: Arc::new(Semaphore::new(most as usize)),
            most,
        }
    }

    /// Waits for the answer of a lane.
    pub(crate) async fn call(&self, what: T, weight: u32) -> Result<R, Failure> {
        let weight = weight.min(self.most);
        let place = self.room.clone().acquire_many_owned(weight);
        let place = place.await.map_err(|_| Failure::closed())?;
        let (reply, answer) = oneshot::channel();
        {
            let mut pending = self.pending();
            // The lanes may have ended.
            if pending.is_closed {
                return Err(Failure::closed());
            }
            pending.calls.push_back(Waiting {
                what,
                reply,
                weight,
                _place: place,
            });
        }
        self.changed.notify_one();
        answer.await.map_err(|_| self.no_answer())
    }

    /// Calls that wait, up to this number and this weight of all, but at least one; `None` when the
    /// queue is closed and empty.
    pub(crate) async fn next(&self, most: usize, most_weight: u32) -> Option<Vec<Waiting<T, R>>> {
        loop {
            // Before looking, so that what is added in between is noticed.
            let changed = self.changed.notified();
            let (taken, is_closed) = self.take(most, most_weight);
            if !taken.is_empty() {
                return Some(taken);
            }
            if is_closed {
                return None;
            }
            changed.await;
        }
    }

    /// Calls, and whether none will follow.
    fn take(&self, most: usize, most_weight: u32) -> (Vec<Waiting<T, R>>, bool) {
        let mut pending = self.pending();
        let mut taken = Vec::new();
        let mut weight: u32 = 0;
        while let Some(waiting) = pending.calls.front() {
            weight = weight.saturating_add(waiting.weight);
            if taken.len() == most || weight > most_weight && !taken.is_empty() {
                break;
            }
            taken.extend(pending.calls.pop_front());
        }
        if !pending.calls.is_empty() {
            // Another lane may take the rest.
            self.changed.notify_one();
        }
        (taken, pending.is_closed)
    }

    /// What is there is still taken, and nothing is added.
    pub(crate) fn close(&self) {
        self.room.close();
        self.pending().is_closed = true;
        self.changed.notify_waiters();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.room.is_closed()
    }

    /// Why there is no answer: nothing will be answered any more, or a panic has ended its round.
    fn no_answer(&self) -> Failure {
        if self.room.is_closed() {
            Failure::closed()
        } else {
            Failure::new("what was to be stored has caused a panic")
        }
    }

    fn pending(&self) -> MutexGuard<'_, Pending<T, R>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
