//! A list with a limit.

use std::{collections::VecDeque, sync::Arc};

use super::Record;

pub(super) struct Ring {
    records: VecDeque<Arc<Record>>,
    most: usize,
}

impl Ring {
    pub(super) fn new(most: usize) -> Self {
        Self {
            records: VecDeque::new(),
            most,
        }
    }

    /// Takes the place of the first one, if there is no other.
    pub(super) fn push(&mut self, record: Arc<Record>) {
        if self.most == 0 {
            return;
        }
        if self.records.len() == self.most {
            self.records.pop_front();
        }
        self.records.push_back(record);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Record>> {
        self.records.iter()
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }
}
