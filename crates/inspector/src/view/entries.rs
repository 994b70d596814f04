//! Entries by their state, and dead ones by what they have in common.

use serde::Serialize;
use tower_nylas::BoxError;

use super::{Counts, EntryRow, Missing, counts, row};
use crate::{
    filter::{Filter, StateFilter},
    settings::Settings,
    source::{READ_AT_A_TIME, Source, list},
    time::rfc3339,
};

/// How many groups are shown.
pub(super) const MOST_GROUPS: usize = 100;

#[allow(clippy::struct_field_names)] // as they are called in JSON
#[derive(Debug, Serialize)]
pub(crate) struct Entries {
    pub(crate) filter: Filter,
    pub(crate) counts: Counts,
    /// Whether the engine can list anything but dead entries.
    pub(crate) can_search: bool,
    pub(crate) entries: Vec<EntryRow>,
    /// The link to those before.
    pub(crate) next: Option<String>,
}

pub(super) async fn gather(
    settings: &Settings,
    source: &dyn Source,
    mut filter: Filter,
) -> Result<Entries, Missing> {
    let can_search = source.search().is_some();
    if !can_search {
        let is_other = |state| state != StateFilter::Dead;
        if filter.state.is_some_and(is_other) {
            let why = "the engine of this inbox lists dead entries only";
            return Err(Missing::NotFound(why.to_owned()));
        }
        filter.state = Some(StateFilter::Dead);
    }
    let max = settings.most_listed;
    let mut entries = Vec::new();
    let mut query = filter.query(max.min(READ_AT_A_TIME));
    let mut left = max;
    let next = loop {
        let (found, next) = list(source, &query).await?;
        entries.extend(found.iter().map(|stored| row(settings, stored)));
        left -= query.max;
        if left == 0 || next.is_none() {
            break next;
        }
        query.before = next;
        query.max = left.min(READ_AT_A_TIME);
    };
    let next = next.map(|before| {
        let next = Filter {
            before: Some(before),
            ..filter.clone()
        };
        next.link("inbox").as_str().to_owned()
    });
    Ok(Entries {
        counts: counts(&source.stats().await?),
        can_search,
        entries,
        filter,
        next,
    })
}

#[derive(Debug, Serialize)]
pub(crate) struct Dead {
    pub(crate) groups: Vec<Group>,
    /// Whether there may be more groups.
    pub(crate) is_cut: bool,
}

/// Dead entries with one trigger and one cause.
#[derive(Debug, Serialize)]
pub(crate) struct Group {
    pub(crate) trigger: Option<String>,
    pub(crate) cause: &'static str,
    pub(crate) count: u64,
    /// The reason of the last one.
    pub(crate) why: String,
    pub(crate) last_key: String,
    /// What selects all of them.
    pub(crate) filter: Filter,
    /// The link to them.
    pub(crate) link: String,
    pub(crate) last_received_at: Option<String>,
    #[serde(skip)]
    pub(crate) last_received: Option<std::time::Duration>,
}

/// The largest ones.
pub(super) async fn groups(source: &dyn Source, most: usize) -> Result<Dead, BoxError> {
    let found = source.dead_groups(most + 1).await?;
    let is_cut = found.len() > most;
    let groups = found.into_iter().take(most).map(|group| {
        let filter = Filter {
            state: Some(StateFilter::Dead),
            cause: Some(group.cause),
            no_trigger: group.trigger.is_none(),
            trigger: group.trigger.clone(),
            ..Filter::default()
        };
        let last_received = group.last.received_at;
        Group {
            trigger: group.trigger,
            cause: group.cause.as_str(),
            count: group.count,
            link: filter.link("inbox").as_str().to_owned(),
            filter,
            last_received_at: last_received.map(rfc3339),
            last_received,
            last_key: group.last.key.to_string(),
            why: group.last.why,
        }
    });
    Ok(Dead {
        groups: groups.collect(),
        is_cut,
    })
}
