//! Doubts about destinations of which nothing was ever verified, and which have no record.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::{
    Finding,
    doubt::{Doubt, Kind},
};
use crate::signature::Secrets;

/// How many are remembered. A stranger can choose the tenants that he sends forgeries to.
const MOST: usize = 100;

#[derive(Default)]
pub(super) struct Doubts {
    list: Mutex<Vec<(String, Doubt)>>,
    /// So that a verified notification takes no lock.
    count: AtomicUsize,
}

impl Doubts {
    pub(super) fn add(&self, label: &str, kind: Kind, secrets: Option<&Secrets>, at: Duration) {
        let mut list = self.list();
        if let Some((_, doubt)) = list.iter_mut().find(|(known, _)| known == label) {
            doubt.add(kind, secrets, at);
        } else if list.len() < MOST {
            let mut doubt = Doubt::new(kind, at);
            doubt.add(kind, secrets, at);
            list.push((label.to_owned(), doubt));
            self.count.store(list.len(), Ordering::SeqCst);
        }
    }

    pub(super) fn are_none(&self) -> bool {
        self.count.load(Ordering::SeqCst) == 0
    }

    /// A notification to this destination was verified, or it is forgotten.
    pub(super) fn remove(&self, label: &str) {
        self.retain(|known, _| known != label);
    }

    /// What there is to say, with the labels that it is about.
    pub(super) fn findings(&self, at: Duration) -> Vec<(String, Finding)> {
        self.retain(|_, doubt| !doubt.is_over(at));
        let list = self.list();
        let due = list
            .iter()
            .filter_map(|(label, doubt)| Some((label.clone(), doubt.finding(at)?)));
        due.collect()
    }

    fn retain(&self, keep: impl Fn(&str, &Doubt) -> bool) {
        let mut list = self.list();
        list.retain(|(label, doubt)| keep(label, doubt));
        self.count.store(list.len(), Ordering::SeqCst);
    }

    fn list(&self) -> MutexGuard<'_, Vec<(String, Doubt)>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
