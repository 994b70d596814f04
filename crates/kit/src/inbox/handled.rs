//! What workers have handled.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{sync::watch, time::timeout};
use tower_nylas::{
    TriggerRouter, VerifiedBody,
    inbox::{Delivery, EntryKey},
};

/// Which entries were handled, and how often.
#[derive(Debug, Clone)]
pub struct Handled {
    times: Arc<Mutex<HashMap<EntryKey, usize>>>,
    count: watch::Sender<usize>,
}

impl Default for Handled {
    fn default() -> Self {
        Self {
            times: Arc::default(),
            count: watch::Sender::new(0),
        }
    }
}

impl Handled {
    /// Handles everything, and notes it.
    pub fn router(&self) -> TriggerRouter {
        let handled = self.clone();
        TriggerRouter::new().fallback(move |delivery: Option<Delivery>, _: VerifiedBody| {
            handled.note(delivery.expect("it is behind a worker").key());
            std::future::ready(())
        })
    }

    pub fn note(&self, key: EntryKey) {
        let mut times = self.times.lock().unwrap();
        *times.entry(key).or_default() += 1;
        let handled = times.len();
        // `wait_for` looks at them while it holds the count.
        drop(times);
        self.count.send_modify(|count| *count = handled.max(*count));
    }

    /// How many entries were handled.
    pub fn count(&self) -> usize {
        *self.count.borrow()
    }

    /// How often an entry was handled.
    pub fn of(&self, key: EntryKey) -> usize {
        self.times.lock().unwrap().get(&key).copied().unwrap_or(0)
    }

    /// Waits until all of these were handled, and panics with the number of those that were not if
    /// that takes longer than `patience`. Returns how many of them were handled more than once.
    pub async fn wait_for(&self, keys: &[EntryKey], patience: Duration) -> usize {
        match self.try_wait_for(keys, patience).await {
            Ok(again) => again,
            Err(missing) => panic!("{missing} of {} were not handled", keys.len()),
        }
    }

    /// The same, but returns the number of those that were not.
    pub async fn try_wait_for(
        &self,
        keys: &[EntryKey],
        patience: Duration,
    ) -> Result<usize, usize> {
        let missing = || keys.iter().filter(|key| self.of(**key) == 0).count();
        let mut count = self.count.subscribe();
        // To look for each key at each change takes minutes with some ten thousand.
        let are_enough = || self.times.lock().unwrap().len() >= keys.len();
        let all = count.wait_for(|_| are_enough() && missing() == 0);
        if timeout(patience, all).await.is_err() {
            return Err(missing());
        }
        Ok(keys.iter().filter(|key| self.of(**key) > 1).count())
    }
}
