//! The inbox, whatever its engine is.

use std::pin::Pin;

use tower_nylas::{
    BoxError,
    inbox::{
        Browse, DeadGroup, EntryKey, EntryState, Inspect, Query, Stats, StoredEntry, TimelineEvent,
    },
};

pub(crate) type Call<'a, T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send + 'a>>;

/// What every engine that can be browsed does.
pub(crate) trait Source: Send + Sync {
    fn stats(&self) -> Call<'_, Stats>;

    fn dead(&self, before: Option<u64>, max: usize) -> Call<'_, Vec<StoredEntry>>;

    fn dead_groups(&self, max: usize) -> Call<'_, Vec<DeadGroup>>;

    fn replay<'a>(&'a self, keys: &'a [EntryKey]) -> Call<'a, usize>;

    /// Of those only that are dead when it happens.
    fn replay_dead<'a>(&'a self, keys: &'a [EntryKey]) -> Call<'a, usize>;

    fn discard<'a>(&'a self, keys: &'a [EntryKey]) -> Call<'a, usize>;

    /// The rest, of an engine that can.
    fn search(&self) -> Option<&dyn Search> {
        None
    }
}

/// What engines do that can search.
pub(crate) trait Search: Send + Sync {
    fn list<'a>(&'a self, query: &'a Query) -> Call<'a, Vec<StoredEntry>>;

    fn timeline(&self, key: EntryKey) -> Call<'_, Vec<TimelineEvent>>;

    fn purge_grant<'a>(&'a self, grant_id: &'a str) -> Call<'a, usize>;
}

pub(crate) struct Browsed<I>(pub(crate) I);

pub(crate) struct Inspected<I>(pub(crate) I);

macro_rules! browse {
    () => {
        fn stats(&self) -> Call<'_, Stats> {
            Box::pin(self.0.stats())
        }

        fn dead(&self, before: Option<u64>, max: usize) -> Call<'_, Vec<StoredEntry>> {
            Box::pin(self.0.dead(before, max))
        }

        fn dead_groups(&self, max: usize) -> Call<'_, Vec<DeadGroup>> {
            Box::pin(self.0.dead_groups(max))
        }

        fn replay<'a>(&'a self, keys: &'a [EntryKey]) -> Call<'a, usize> {
            Box::pin(self.0.replay(keys))
        }

        fn replay_dead<'a>(&'a self, keys: &'a [EntryKey]) -> Call<'a, usize> {
            Box::pin(self.0.replay_dead(keys))
        }

        fn discard<'a>(&'a self, keys: &'a [EntryKey]) -> Call<'a, usize> {
            Box::pin(self.0.discard(keys))
        }
    };
}

impl<I: Browse> Source for Browsed<I> {
    browse!();
}

impl<I: Inspect> Source for Inspected<I> {
    browse!();

    fn search(&self) -> Option<&dyn Search> {
        Some(self)
    }
}

impl<I: Inspect> Search for Inspected<I> {
    fn list<'a>(&'a self, query: &'a Query) -> Call<'a, Vec<StoredEntry>> {
        Box::pin(self.0.list(query))
    }

    fn timeline(&self, key: EntryKey) -> Call<'_, Vec<TimelineEvent>> {
        Box::pin(self.0.timeline(key))
    }

    fn purge_grant<'a>(&'a self, grant_id: &'a str) -> Call<'a, usize> {
        Box::pin(self.0.purge_grant(grant_id))
    }
}

/// How many entries are read at a time: their contents come with them, of up to 16 MiB each.
pub(crate) const READ_AT_A_TIME: usize = 16;

/// Of how many bytes of contents on an engine may bring fewer entries than it is asked for.
const LARGE: usize = 1 << 20;

/// What a query selects. An engine that cannot search is asked for its dead entries, of which a
/// page may then have fewer than there are, or none.
pub(crate) async fn list(
    source: &dyn Source,
    query: &Query,
) -> Result<(Vec<StoredEntry>, Option<u64>), BoxError> {
    if query.max == 0 {
        return Ok((Vec::new(), None));
    }
    let (found, is_filtered) = match source.search() {
        Some(search) => (search.list(query).await?, false),
        None => (source.dead(query.before, query.max).await?, true),
    };
    let next = (!is_last(&found, query.max)).then(|| found.last().map(|last| last.position));
    let selected = found
        .into_iter()
        .filter(|stored| !is_filtered || selects(query, stored));
    Ok((selected.collect(), next.flatten()))
}

/// Whether there are no further ones: an engine brings fewer than `max` also where they are large.
fn is_last(page: &[StoredEntry], max: usize) -> bool {
    let entries = page.iter().filter_map(|stored| stored.entry.as_ref());
    let size: usize = entries.map(|entry| entry.content().len()).sum();
    page.is_empty() || page.len() < max && size < LARGE
}

fn selects(query: &Query, stored: &StoredEntry) -> bool {
    let entry = stored.entry.as_ref();
    let trigger = entry.and_then(|entry| Some(entry.trigger()?.to_string()));
    let grant_id = entry.and_then(|entry| entry.grant_id());
    query.selects(stored.state)
        && query.key.is_none_or(|key| key == stored.key)
        && !(query.no_trigger && trigger.is_some())
        && (query.trigger.is_none() || trigger == query.trigger)
        && (query.grant_id.is_none() || grant_id == query.grant_id.as_deref())
}

/// How many dead entries are looked through for keys, where the engine cannot search.
const MOST_LOOKED_THROUGH: usize = 10_000;

/// Looks entries up by their keys, a few at a time.
pub(crate) struct Lookup {
    /// Those that were not found so far.
    keys: Vec<EntryKey>,
    /// Where an engine that cannot search goes on, and how many of its entries may still be read.
    before: Option<u64>,
    left: usize,
}

impl Lookup {
    pub(crate) fn new(keys: &[EntryKey]) -> Self {
        Self {
            keys: keys.to_vec(),
            before: None,
            left: MOST_LOOKED_THROUGH,
        }
    }

    /// Some of those that there are, perhaps none; `None` at the end.
    pub(crate) async fn next(
        &mut self,
        source: &dyn Source,
    ) -> Result<Option<Vec<StoredEntry>>, BoxError> {
        if self.keys.is_empty() {
            return Ok(None);
        }
        if source.search().is_none() {
            return self.next_dead(source).await;
        }
        let mut found = Vec::new();
        let part = self.keys.len().min(READ_AT_A_TIME);
        for key in self.keys.drain(..part) {
            let mut query = Query::default();
            (query.key, query.max) = (Some(key), 1);
            found.extend(list(source, &query).await?.0.pop());
        }
        Ok(Some(found))
    }

    /// In one pass over the dead, for all keys.
    async fn next_dead(
        &mut self,
        source: &dyn Source,
    ) -> Result<Option<Vec<StoredEntry>>, BoxError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left = self.left.saturating_sub(READ_AT_A_TIME);
        let mut page = source.dead(self.before, READ_AT_A_TIME).await?;
        self.before = page.last().map(|last| last.position);
        if is_last(&page, READ_AT_A_TIME) {
            self.left = 0;
        }
        page.retain(|stored| {
            let place = self.keys.iter().position(|key| *key == stored.key);
            place.map(|place| self.keys.swap_remove(place)).is_some()
        });
        Ok(Some(page))
    }
}

/// The entry with a key.
pub(crate) async fn find(
    source: &dyn Source,
    key: EntryKey,
) -> Result<Option<StoredEntry>, BoxError> {
    let mut lookup = Lookup::new(&[key]);
    while let Some(mut found) = lookup.next(source).await? {
        if let Some(found) = found.pop() {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Whether it can be replayed.
pub(crate) fn has_ended(state: EntryState) -> bool {
    matches!(state, EntryState::Dead(_) | EntryState::Done)
}
