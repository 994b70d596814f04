//! How long an engine may take, so that a page that needs it says so, and shows the rest.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{Arc, OnceLock},
    task::Poll,
    time::Duration,
};

use tower_nylas::{
    BoxError,
    inbox::{DeadGroup, EntryKey, Query, Stats, StoredEntry, TimelineEvent},
    time::Timer,
};

use crate::source::{Call, Search, Source};

/// To read up to a page of entries.
const READ: Duration = Duration::from_secs(5);

/// An engine that does not count by itself reads 10,000 entries.
const COUNT: Duration = Duration::from_secs(15);

/// To change something. It may be done all the same after that.
const CHANGE: Duration = Duration::from_secs(60);

/// An engine whose calls have a limit.
pub(crate) struct Limited {
    source: Box<dyn Source>,
    timer: Arc<dyn Timer>,
    /// Asked when it is needed first. Without a timer that works, there is no limit.
    can_sleep: OnceLock<bool>,
}

impl Limited {
    pub(crate) fn new(source: Box<dyn Source>, timer: Arc<dyn Timer>) -> Self {
        Self {
            source,
            timer,
            can_sleep: OnceLock::new(),
        }
    }

    fn within<'a, T: 'a>(&'a self, limit: Duration, call: Call<'a, T>) -> Call<'a, T> {
        Box::pin(async move {
            let mut call = pin!(call);
            let mut sleep = None;
            poll_fn(|cx| {
                if let Poll::Ready(output) = call.as_mut().poll(cx) {
                    return Poll::Ready(output);
                }
                // Only now, since many never wait.
                if !self.can_sleep.get_or_init(|| self.timer.can_sleep()) {
                    return Poll::Pending;
                }
                let sleep = sleep.get_or_insert_with(|| self.timer.sleep(limit));
                let too_long = || format!("it has not answered within {} s", limit.as_secs());
                sleep.as_mut().poll(cx).map(|()| Err(too_long().into()))
            })
            .await
        })
    }

    fn searching<'a, T: 'a>(
        &'a self,
        limit: Duration,
        call: impl FnOnce(&'a dyn Search) -> Call<'a, T>,
    ) -> Call<'a, T> {
        match self.source.search() {
            Some(search) => self.within(limit, call(search)),
            None => Box::pin(async { Err(BoxError::from("the engine cannot search")) }),
        }
    }
}

impl Source for Limited {
    fn stats(&self) -> Call<'_, Stats> {
        self.within(READ, self.source.stats())
    }

    fn dead(&self, before: Option<u64>, max: usize) -> Call<'_, Vec<StoredEntry>> {
        self.within(READ, self.source.dead(before, max))
    }

    fn dead_groups(&self, max: usize) -> Call<'_, Vec<DeadGroup>> {
        self.within(COUNT, self.source.dead_groups(max))
    }

    fn replay<'a>(&'a self, keys: &'a [EntryKey]) -> Call<'a, usize> {
        self.within(CHANGE, self.source.replay(keys))
    }

    fn replay_dead<'a>(&'a self, keys: &'a [EntryKey]) -> Call<'a, usize> {
        self.within(CHANGE, self.source.replay_dead(keys))
    }

    fn discard<'a>(&'a self, keys: &'a [EntryKey]) -> Call<'a, usize> {
        self.within(CHANGE, self.source.discard(keys))
    }

    fn search(&self) -> Option<&dyn Search> {
        self.source.search().map(|_| self as &dyn Search)
    }
}

impl Search for Limited {
    fn list<'a>(&'a self, query: &'a Query) -> Call<'a, Vec<StoredEntry>> {
        self.searching(READ, |search| search.list(query))
    }

    fn timeline(&self, key: EntryKey) -> Call<'_, Vec<TimelineEvent>> {
        self.searching(READ, |search| search.timeline(key))
    }

    fn purge_grant<'a>(&'a self, grant_id: &'a str) -> Call<'a, usize> {
        self.searching(CHANGE, |search| search.purge_grant(grant_id))
    }
}
