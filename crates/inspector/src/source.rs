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
    let next = (found.len() >= query.max).then(|| found.last().map(|last| last.position));
    let selected = found
        .into_iter()
        .filter(|stored| !is_filtered || selects(query, stored));
    Ok((selected.collect(), next.flatten()))
}

fn selects(query: &Query, stored: &StoredEntry) -> bool {
    let entry = stored.entry.as_ref();
    let trigger = entry.and_then(|entry| Some(entry.trigger()?.to_string()));
    let grant_id = entry.and_then(|entry| entry.grant_id());
    query.selects(stored.state)
        && query.key.is_none_or(|key| key == stored.key)
        && (query.trigger.is_none() || trigger == query.trigger)
        && (query.grant_id.is_none() || grant_id == query.grant_id.as_deref())
}

/// How many dead entries are looked through for one key, where the engine cannot search.
const MOST_LOOKED_THROUGH: usize = 10_000;

/// The entry with a key.
pub(crate) async fn find(
    source: &dyn Source,
    key: EntryKey,
) -> Result<Option<StoredEntry>, BoxError> {
    let mut query = Query::default();
    query.key = Some(key);
    if source.search().is_some() {
        query.max = 1;
        return Ok(list(source, &query).await?.0.pop());
    }
    for _ in 0..MOST_LOOKED_THROUGH / query.max {
        let (mut found, next) = list(source, &query).await?;
        query.before = next;
        if let Some(found) = found.pop() {
            return Ok(Some(found));
        }
        if next.is_none() {
            break;
        }
    }
    Ok(None)
}

/// Whether it can be replayed.
pub(crate) fn has_ended(state: EntryState) -> bool {
    matches!(state, EntryState::Dead(_) | EntryState::Done)
}
