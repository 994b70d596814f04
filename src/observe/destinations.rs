//! The values of the label `destination`: few, so that many tenants cannot create series without
//! end.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, OnceLock},
};

use arc_swap::ArcSwap;

/// How many labels of secrets are told apart.
const MOST: usize = 100;

/// One of the first labels whose secrets have verified a notification in this process, or `other`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Destination(usize);

/// The first label of all. Most servers have one destination, and need not look further.
static FIRST: OnceLock<Arc<str>> = OnceLock::new();

/// The others. Never forgotten, as series are not.
static KNOWN: LazyLock<ArcSwap<Known>> = LazyLock::new(ArcSwap::default);

#[derive(Default, Clone)]
struct Known {
    labels: Vec<Arc<str>>,
    by_label: HashMap<Arc<str>, Destination>,
}

impl Destination {
    const FIRST: Self = Self(0);
    const OTHER: Self = Self(MOST);

    pub(super) const COUNT: usize = MOST + 1;

    pub(super) fn of(label: &Arc<str>) -> Self {
        let first = FIRST.get_or_init(|| label.clone());
        if Arc::ptr_eq(first, label) || first == label {
            Self::FIRST
        } else {
            Self::of_another(label)
        }
    }

    fn of_another(label: &Arc<str>) -> Self {
        let found = KNOWN.load().find(label);
        found.unwrap_or_else(|| {
            KNOWN.rcu(|known| known.with(label));
            KNOWN.load().find(label).unwrap_or(Self::OTHER)
        })
    }

    pub(super) fn index(self) -> usize {
        self.0
    }

    pub(super) fn label(self) -> Arc<str> {
        let known = KNOWN.load();
        let label = match self.0.checked_sub(1) {
            None => FIRST.get(),
            Some(at) => known.labels.get(at),
        };
        label.map_or_else(|| Arc::from("other"), Arc::clone)
    }
}

impl Known {
    /// `None` if it is new, and there is room for it.
    fn find(&self, label: &Arc<str>) -> Option<Destination> {
        self.by_label.get(label).copied().or_else(|| {
            let is_full = self.labels.len() + 1 >= MOST;
            is_full.then_some(Destination::OTHER)
        })
    }

    fn with(&self, label: &Arc<str>) -> Self {
        let mut known = self.clone();
        // Another thread may have been faster.
        if self.find(label).is_none() {
            let next = Destination(known.labels.len() + 1);
            known.labels.push(label.clone());
            known.by_label.insert(label.clone(), next);
        }
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_labels_are_told_apart() {
        let mut known = Known::default();
        let labels: Vec<Arc<str>> = (0..150).map(|at| Arc::from(format!("t-{at}"))).collect();
        for _ in 0..2 {
            for label in &labels {
                if known.find(label).is_none() {
                    known = known.with(label);
                }
            }
        }
        for (at, label) in labels.iter().enumerate() {
            assert_eq!(
                known.find(label),
                Some(Destination((at + 1).min(MOST))),
                "{label}"
            );
        }
        // Another handle of the same label.
        assert_eq!(known.find(&Arc::from("t-7")), Some(Destination(8)));
    }
}
