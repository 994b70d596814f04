//! What a page says, before it is HTML or JSON.

mod confirm;
mod deliveries;
mod entries;
mod entry;
mod matches;
mod overview;
mod row;

use serde::Serialize;

pub(crate) use self::{
    confirm::Confirm,
    deliveries::{Deliveries, DeliveryFilter, DeliveryRow, delivery},
    entries::{Dead, Entries, Group},
    entry::Detail,
    matches::Matches,
    overview::{Counts, Overview, counts},
    row::{EntryRow, row},
};
use crate::{
    action::{ActionKind, dry_purge, dry_run},
    filter::Filter,
    params::{Params, parse_key},
    settings::Settings,
};

/// One page. Its JSON twin is the same without the name.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum View {
    Overview(Overview),
    Deliveries(Deliveries),
    Entries(Entries),
    Dead(Dead),
    Entry(Box<Detail>),
    Confirm(Box<Confirm>),
    Matches(Matches),
}

/// Why there is no page.
#[derive(Debug)]
pub(crate) enum Missing {
    /// There is none of this name, or what it is about is not there.
    NotFound(String),
    Invalid(String),
    /// As many dry runs as may be under way are.
    Busy,
    Engine(String),
}

impl From<tower_nylas::BoxError> for Missing {
    fn from(why: tower_nylas::BoxError) -> Self {
        Self::Engine(why.to_string())
    }
}

/// Gathers what a page says. Whatever it reads is read to its end before anything is sent.
pub(crate) async fn view(settings: &Settings, params: &Params) -> Result<View, Missing> {
    let source = || {
        let source = settings.source();
        source.ok_or_else(|| Missing::NotFound("this inspector has no inbox".to_owned()))
    };
    Ok(match params.get("page") {
        None | Some("overview") => View::Overview(overview::gather(settings).await),
        Some("deliveries") => View::Deliveries(deliveries::gather(
            settings,
            DeliveryFilter::parse(params)?,
        )?),
        Some("inbox") => {
            let filter = Filter::parse(params).map_err(Missing::Invalid)?;
            View::Entries(entries::gather(settings, source()?, filter).await?)
        }
        Some("dead") => View::Dead(entries::groups(source()?, entries::MOST_GROUPS).await?),
        Some("entry") => {
            let key = params.get("key").and_then(parse_key);
            let key = key.ok_or_else(|| Missing::Invalid("a key has 32 hex digits".to_owned()))?;
            let found = entry::gather(settings, source()?, key).await?;
            let missing = || Missing::NotFound(format!("there is no entry {key} (any more)"));
            View::Entry(Box::new(found.ok_or_else(missing)?))
        }
        Some("find") => matches::find(settings, params).await?,
        Some("replay") => confirm(settings, params, ActionKind::Replay).await?,
        Some("discard") => confirm(settings, params, ActionKind::Discard).await?,
        Some("purge") => {
            let grant = dry_purge(params).map_err(Missing::Invalid)?;
            let _turn = settings.dry_runs.take().ok_or(Missing::Busy)?;
            View::Confirm(Box::new(confirm::purge(settings, source()?, grant).await?))
        }
        Some(_) => return Err(Missing::NotFound("there is no such page".to_owned())),
    })
}

async fn confirm(
    settings: &Settings,
    params: &Params,
    action: ActionKind,
) -> Result<View, Missing> {
    let source = settings.source();
    let source =
        source.ok_or_else(|| Missing::NotFound("this inspector has no inbox".to_owned()))?;
    let selection = dry_run(params, action).map_err(Missing::Invalid)?;
    let _turn = settings.dry_runs.take().ok_or(Missing::Busy)?;
    let confirm = confirm::gather(settings, source, action, selection).await?;
    Ok(View::Confirm(Box::new(confirm)))
}
