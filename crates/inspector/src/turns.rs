//! How many requests may read a great deal at the same time.

use std::sync::atomic::{AtomicUsize, Ordering};

/// A dry run reads up to 20,000 entries with their contents.
const MOST: usize = 2;

#[derive(Debug, Default)]
pub(crate) struct Turns(AtomicUsize);

/// One of them, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn<'a>(&'a AtomicUsize);

impl Turns {
    pub(crate) fn take(&self) -> Option<Turn<'_>> {
        let next = |taken| (taken < MOST).then_some(taken + 1);
        let taken = self
            .0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, next);
        // Not `then_some`: a turn that was not taken would be given back.
        taken.is_ok().then(|| Turn(&self.0))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
