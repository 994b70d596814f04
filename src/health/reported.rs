//! What Nylas says of destinations, where that is no good.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::{Cause, Finding, Level};

/// By label: beyond the first 100 as well, since each of them is watched by a task of its own.
#[derive(Default)]
pub(super) struct Reported(Mutex<BTreeMap<Arc<str>, Said>>);

/// How bad it is, and what to tell.
pub(super) type Said = (Level, &'static str);

impl Reported {
    #[cfg(feature = "api")]
    pub(super) fn set(&self, label: &Arc<str>, said: Option<Said>) {
        match said {
            Some(said) => {
                self.with(|all| all.insert(label.clone(), said));
            }
            None => self.remove(label),
        }
    }

    pub(super) fn remove(&self, label: &str) {
        self.with(|all| all.remove(label));
    }

    pub(super) fn findings(&self) -> Vec<(String, Finding)> {
        let finding = |(label, (level, text)): (&Arc<str>, &Said)| {
            let finding = Finding::new(Cause::Status, *level, *text);
            (label.to_string(), finding)
        };
        self.with(|all| all.iter().map(finding).collect())
    }

    fn with<T>(&self, run: impl FnOnce(&mut BTreeMap<Arc<str>, Said>) -> T) -> T {
        run(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
