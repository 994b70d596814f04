//! The labels of secrets that are told apart: few, so that many tenants take neither memory nor
//! series without end.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use arc_swap::ArcSwap;

/// How many labels are told apart.
const MOST: usize = 100;

/// One of the first labels, or `other`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Destination(usize);

/// The first labels that somebody was asked about, in their order.
#[derive(Default)]
pub(crate) struct Destinations {
    /// Most servers have one destination, and need not look further.
    first: OnceLock<Arc<str>>,
    /// The others. Never forgotten, as series are not.
    known: ArcSwap<Known>,
}

#[derive(Default, Clone)]
struct Known {
    labels: Vec<Arc<str>>,
    by_label: HashMap<Arc<str>, Destination>,
}

impl Destination {
    const FIRST: Self = Self(0);
    pub(crate) const OTHER: Self = Self(MOST);

    pub(crate) const COUNT: usize = MOST + 1;

    pub(crate) fn index(self) -> usize {
        self.0
    }

    #[cfg(feature = "health")]
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT).map(Self)
    }
}

impl Destinations {
    /// That of a label, which is told apart from now on if there is room.
    pub(crate) fn of(&self, label: &Arc<str>) -> Destination {
        let first = self.first.get_or_init(|| label.clone());
        if Arc::ptr_eq(first, label) || first == label {
            Destination::FIRST
        } else {
            self.of_another(label)
        }
    }

    fn of_another(&self, label: &Arc<str>) -> Destination {
        let found = self.known.load().find(label);
        found.unwrap_or_else(|| {
            self.known.rcu(|known| known.with(label));
            let found = self.known.load().find(label);
            found.unwrap_or(Destination::OTHER)
        })
    }

    /// The same of a label that is not to take room. `None` if it is new, and there is some.
    #[cfg(feature = "health")]
    pub(crate) fn find(&self, label: &str) -> Option<Destination> {
        let first = self.first.get()?;
        if **first == *label {
            return Some(Destination::FIRST);
        }
        self.known.load().find(label)
    }

    pub(crate) fn label(&self, destination: Destination) -> Arc<str> {
        let known = self.known.load();
        let label = match destination.0.checked_sub(1) {
            None => self.first.get(),
            Some(at) => known.labels.get(at),
        };
        label.map_or_else(|| Arc::from("other"), Arc::clone)
    }
}

impl Known {
    /// `None` if it is new, and there is room for it.
    fn find(&self, label: &str) -> Option<Destination> {
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
