//! What Nylas says of destinations, where that is no good.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{Cause, Finding, Level};

/// By label, and by who has read it. Beyond the first 100 labels as well, since each of them is
/// watched by a task of its own.
#[derive(Default)]
pub(super) struct Reported {
    all: Mutex<BTreeMap<Arc<str>, BTreeMap<u64, Said>>>,
    #[cfg_attr(not(feature = "api"), allow(dead_code))]
    next: AtomicU64,
}

/// How bad it is, and what to tell.
pub(super) type Said = (Level, &'static str);

#[cfg_attr(not(feature = "api"), allow(dead_code))]
impl Reported {
    /// Who reads next.
    pub(super) fn next(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn set(&self, label: &Arc<str>, by: u64, said: Option<Said>) {
        self.with(|all| {
            if let Some(said) = said {
                all.entry(label.clone()).or_default().insert(by, said);
            } else if let Some(of_label) = all.get_mut(label) {
                of_label.remove(&by);
                if of_label.is_empty() {
                    all.remove(label);
                }
            }
        });
    }
}

impl Reported {
    pub(super) fn remove(&self, label: &str) {
        self.with(|all| all.remove(label));
    }

    /// The worst of each label.
    pub(super) fn findings(&self) -> Vec<(String, Finding)> {
        self.with(|all| {
            let worst = all.iter().filter_map(|(label, said)| {
                let (level, text) = said.values().max_by_key(|(level, _)| *level)?;
                Some((
                    label.to_string(),
                    Finding::new(Cause::Status, *level, *text),
                ))
            });
            worst.collect()
        })
    }

    fn with<T>(&self, run: impl FnOnce(&mut BTreeMap<Arc<str>, BTreeMap<u64, Said>>) -> T) -> T {
        run(&mut self.all.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
