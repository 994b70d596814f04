//! Entries by their state, and dead ones by what they have in common.

use serde::Serialize;
use tower_nylas::{BoxError, inbox::Entry};

use super::{Counts, EntryRow, counts, row};
use crate::{
    filter::{Filter, StateFilter},
    settings::Settings,
    source::{READ_AT_A_TIME, Source, list},
};

/// How many groups are shown.
const MOST_GROUPS: usize = 100;

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
) -> Result<Entries, BoxError> {
    let can_search = source.search().is_some();
    if !can_search {
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
    #[serde(skip)]
    pub(crate) filter: Filter,
    #[serde(skip)]
    pub(crate) last_received: Option<std::time::Duration>,
}

pub(super) async fn groups(source: &dyn Source) -> Result<Dead, BoxError> {
    let found = source.dead_groups(MOST_GROUPS + 1).await?;
    let is_cut = found.len() > MOST_GROUPS;
    let groups = found.into_iter().take(MOST_GROUPS).map(|group| Group {
        filter: Filter {
            state: Some(StateFilter::Dead),
            cause: Some(group.cause),
            no_trigger: group.trigger.is_none(),
            trigger: group.trigger.clone(),
            ..Filter::default()
        },
        trigger: group.trigger,
        cause: group.cause.as_str(),
        count: group.count,
        last_received: group.last.entry.as_ref().map(Entry::received_at),
        last_key: group.last.key.to_string(),
        why: group.last.why,
    });
    Ok(Dead {
        groups: groups.collect(),
        is_cut,
    })
}
