//! What an action would change: its dry run.

use serde::Serialize;
use tower_nylas::BoxError;

use super::{EntryRow, Missing, row};
use crate::{
    action::{ActionKind, Selection, Walk},
    filter::Filter,
    settings::Settings,
    source::Source,
};

/// How many entries are shown.
const SHOWN: usize = 10;

/// How many entries of a grant are counted at most.
const MOST_COUNTED: usize = 10_000;

#[derive(Debug, Serialize)]
pub(crate) struct Confirm {
    pub(crate) action: &'static str,
    #[serde(skip)]
    pub(crate) kind: ActionKind,
    /// What was asked for.
    pub(crate) selection: Option<Selection>,
    pub(crate) grant: Option<String>,
    /// How many entries would be changed.
    pub(crate) count: usize,
    /// Their keys, but for a purge: with these and `was`, exactly what was counted is changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) keys: Option<Vec<String>>,
    /// The state that they are in.
    pub(crate) was: Option<&'static str>,
    /// How many of the keys that were given are of no entry that this could be done to.
    pub(crate) passed_over: usize,
    /// Whether there may be more, which this action would leave.
    pub(crate) is_cut: bool,
    /// Below which position the rest of a filter is, if there may be more.
    pub(crate) next_before: Option<u64>,
    /// The first few.
    pub(crate) entries: Vec<EntryRow>,
}

pub(super) async fn gather(
    settings: &Settings,
    source: &dyn Source,
    kind: ActionKind,
    selection: Selection,
) -> Result<Confirm, BoxError> {
    let max = settings.most_changed;
    let mut confirm = count(settings, source, kind, &selection, max).await?;
    if !confirm.is_cut {
        let given = selection.keys().unwrap_or(0);
        confirm.passed_over = given.saturating_sub(confirm.count);
    }
    confirm.was = selection.was().map(crate::filter::StateFilter::as_str);
    confirm.selection = Some(selection);
    Ok(confirm)
}

async fn count(
    settings: &Settings,
    source: &dyn Source,
    kind: ActionKind,
    selection: &Selection,
    max: usize,
) -> Result<Confirm, BoxError> {
    let mut walk = Walk::new(source, selection, kind, max);
    let (mut keys, mut entries) = (Vec::new(), Vec::new());
    while let Some(part) = walk.next().await? {
        let left = SHOWN.saturating_sub(entries.len());
        entries.extend(part.iter().take(left).map(|stored| row(settings, stored)));
        keys.extend(part.iter().map(|stored| stored.key.to_string()));
    }
    Ok(Confirm {
        action: kind.as_str(),
        kind,
        selection: None,
        grant: None,
        count: keys.len(),
        keys: Some(keys),
        was: None,
        passed_over: 0,
        is_cut: walk.is_cut(),
        next_before: walk.next_before(),
        entries,
    })
}

pub(super) async fn purge(
    settings: &Settings,
    source: &dyn Source,
    grant: &str,
) -> Result<Confirm, Missing> {
    if source.search().is_none() {
        let why = "the engine of this inbox cannot search, and so cannot purge";
        return Err(Missing::NotFound(why.to_owned()));
    }
    let selection = Selection::Filter(Filter {
        grant: Some(grant.to_owned()),
        ..Filter::default()
    });
    let kind = ActionKind::Purge;
    let mut confirm = count(settings, source, kind, &selection, MOST_COUNTED).await?;
    (confirm.keys, confirm.next_before) = (None, None);
    confirm.grant = Some(grant.to_owned());
    Ok(confirm)
}
