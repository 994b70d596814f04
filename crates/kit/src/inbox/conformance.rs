//! An engine in virtual time, for the suite of engines.

use std::sync::Arc;

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
#[derive(Debug)]
pub struct Virtual<O, S> {
    clock: Shifted,
    open: O,
    spoil: S,
}

impl<O, S> Virtual<O, S> {
    /// `open` opens an empty inbox on this clock; `spoil` makes the head of an entry unreadable,
    /// and returns whether there was one.
    pub fn new<I>(open: O, spoil: S) -> Self
    where
        O: Fn(Options, Shifted) -> Timeless<I>,
        S: Fn(&Timeless<I>, EntryKey) -> bool,
    {
        Self {
            clock: Shifted::default(),
            open,
            spoil,
        }
    }

    pub fn run<F: Future>(&self, cases: F) -> F::Output {
        self.clock.clock.run_until(cases)
    }
}

impl<I, O, S> Engine for Virtual<O, S>
where
    I: Inbox,
    O: Fn(Options, Shifted) -> Timeless<I> + Send + Sync + 'static,
    S: Fn(&Timeless<I>, EntryKey) -> bool + Send + Sync + 'static,
{
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

    fn shift_wall_clock(&self, seconds: i64) -> bool {
        self.clock.shift(seconds);
        true
    }
}
