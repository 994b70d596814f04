//! What a page says, before it is HTML or JSON.

mod confirm;
mod deliveries;
mod entries;
mod entry;
mod overview;
mod row;

use serde::Serialize;

pub(crate) use self::{
    confirm::Confirm,
    deliveries::{Deliveries, DeliveryFilter, DeliveryRow, delivery},
    entries::{Dead, Entries, Group},
    entry::Detail,
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
}

/// Why there is no page.
#[derive(Debug)]
pub(crate) enum Missing {
    /// There is none of this name, or what it is about is not there.
    NotFound(String),
    Invalid(String),
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
        Some("dead") => View::Dead(entries::groups(source()?).await?),
        Some("entry") => {
            let key = params.get("key").and_then(parse_key);
            let key = key.ok_or_else(|| Missing::Invalid("a key has 32 hex digits".to_owned()))?;
            let found = entry::gather(settings, source()?, key).await?;
            let missing = || Missing::NotFound(format!("there is no entry {key} (any more)"));
            View::Entry(Box::new(found.ok_or_else(missing)?))
        }
        Some("find") => find(settings, params).await?,
        Some("replay") => confirm(settings, params, ActionKind::Replay).await?,
        Some("discard") => confirm(settings, params, ActionKind::Discard).await?,
        Some("purge") => {
            let grant = dry_purge(params).map_err(Missing::Invalid)?;
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
    let confirm = confirm::gather(settings, source, action, selection).await?;
    Ok(View::Confirm(Box::new(confirm)))
}

/// By the key of an entry, or by the id of a notification: its entry, or what became of its
/// deliveries.
async fn find(settings: &Settings, params: &Params) -> Result<View, Missing> {
    let text = params.get("q");
    let text = text.ok_or_else(|| Missing::Invalid("type what is to be found".to_owned()))?;
    if let Some(source) = settings.source() {
        for key in entry::keys_of(settings, text) {
            if let Some(found) = entry::gather(settings, source, key).await? {
                return Ok(View::Entry(Box::new(found)));
            }
        }
    }
    if settings.recent.is_none() {
        return Err(Missing::NotFound(format!("no entry was found for {text}")));
    }
    let filter = DeliveryFilter {
        id: Some(text.to_owned()),
        ..DeliveryFilter::default()
    };
    Ok(View::Deliveries(deliveries::gather(settings, filter)?))
}
