//! An engine in virtual time, for the suite of engines.

use std::{fmt, sync::Arc};

use tower_nylas::{
    inbox::{
        EntryKey, Inbox, Task,
        conformance::{Engine, Options},
    },
    time::Timer,
};

use super::Timeless;
use crate::shifted::Shifted;

/// Opens inboxes in virtual time, and spoils entries of them.
pub struct Virtual<I> {
    clock: Shifted,
    open: Box<Open<I>>,
    spoil: Box<Spoil<I>>,
    rename_cause: Option<Box<RenameCause<I>>>,
}

type Open<I> = dyn Fn(Options, Shifted) -> Timeless<I> + Send + Sync;
type Spoil<I> = dyn Fn(&Timeless<I>, EntryKey) -> bool + Send + Sync;
type RenameCause<I> = dyn Fn(&Timeless<I>, EntryKey, &str) -> bool + Send + Sync;

impl<I: Inbox> Virtual<I> {
    /// `open` opens an empty inbox on this clock; `spoil` makes the head of an entry unreadable,
    /// and returns whether there was one.
    pub fn new(
        open: impl Fn(Options, Shifted) -> Timeless<I> + Send + Sync + 'static,
        spoil: impl Fn(&Timeless<I>, EntryKey) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self {
            clock: Shifted::default(),
            open: Box::new(open),
            spoil: Box::new(spoil),
            rename_cause: None,
        }
    }

    /// With a function that gives a dead entry a cause of this name, and returns whether there was
    /// one.
    #[must_use]
    pub fn renaming_causes(
        mut self,
        rename: impl Fn(&Timeless<I>, EntryKey, &str) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.rename_cause = Some(Box::new(rename));
        self
    }

    pub fn run<F: Future>(&self, cases: F) -> F::Output {
        self.clock.clock.run_until(cases)
    }
}

impl<I: Inbox> Engine for Virtual<I> {
    type Inbox = Timeless<I>;

    async fn open(&self, options: Options) -> Self::Inbox {
        (self.open)(options, self.clock.clone())
    }

    fn timer(&self) -> Arc<dyn Timer> {
        Arc::new(self.clock.clone())
    }

    fn spawner(&self) -> Arc<dyn Fn(Task) + Send + Sync> {
        let clock = self.clock.clock.clone();
        Arc::new(move |task| clock.spawn(task))
    }

    async fn spoil(&self, inbox: &Self::Inbox, key: EntryKey) -> bool {
        (self.spoil)(inbox, key)
    }

    async fn rename_cause(&self, inbox: &Self::Inbox, key: EntryKey, name: &str) -> bool {
        let rename = self.rename_cause.as_ref();
        rename.is_some_and(|rename| rename(inbox, key, name))
    }

    fn shift_wall_clock(&self, seconds: i64) -> bool {
        self.clock.shift(seconds);
        true
    }
}

impl<I> fmt::Debug for Virtual<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Virtual")
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}
