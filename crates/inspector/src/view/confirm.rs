//! What an action would change: its dry run.

use serde::Serialize;
use tower_nylas::BoxError;

use super::{EntryRow, Missing, row};
use crate::{
    action::{ActionKind, Selection},
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
    pub(crate) selection: Option<Selection>,
    pub(crate) grant: Option<String>,
    /// How many entries would be changed.
    pub(crate) count: usize,
    /// Whether there are more, which this action would leave.
    pub(crate) is_cut: bool,
    /// Below which position all of them are.
    pub(crate) before: Option<u64>,
    /// The first few.
    pub(crate) entries: Vec<EntryRow>,
}

pub(super) async fn gather(
    settings: &Settings,
    source: &dyn Source,
    kind: ActionKind,
    selection: Selection,
) -> Result<Confirm, BoxError> {
    let found = selection
        .find(source, kind, settings.most_changed, SHOWN)
        .await?;
    let rows = found.entries.iter().map(|stored| row(settings, stored));
    Ok(Confirm {
        action: kind.as_str(),
        kind,
        grant: None,
        count: found.keys.len(),
        is_cut: found.is_cut,
        before: found.before,
        entries: rows.collect(),
        selection: Some(selection),
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
    let found = selection.find(source, kind, MOST_COUNTED, SHOWN).await?;
    let rows = found.entries.iter().map(|stored| row(settings, stored));
    Ok(Confirm {
        action: kind.as_str(),
        kind,
        selection: None,
        grant: Some(grant.to_owned()),
        count: found.keys.len(),
        is_cut: found.is_cut,
        before: found.before,
        entries: rows.collect(),
    })
}
