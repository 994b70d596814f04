//! What is found by an id.

use serde::Serialize;
use tower_nylas::{inbox::EntryKey, notification::NotificationKey};

use super::{DeliveryFilter, EntryRow, Missing, View, deliveries, entry, row};
use crate::{
    params::{Params, parse_key},
    settings::Settings,
    source::Lookup,
};

/// That of secrets which were given none.
const DEFAULT_LABEL: &str = "default";

/// Under how many labels an id is looked for: as many as health tells apart.
const MOST_LABELS: usize = 101;

/// Entries of one id: ids are unique among the notifications of one destination only.
#[derive(Debug, Serialize)]
pub(crate) struct Matches {
    pub(crate) id: String,
    pub(crate) entries: Vec<EntryRow>,
}

/// By the key of an entry, or by the id of a notification: its entry, or what became of its
/// deliveries.
pub(super) async fn find(settings: &Settings, params: &Params) -> Result<View, Missing> {
    if let Some(key) = params.get("key") {
        let invalid = || Missing::Invalid("a key has 32 hex digits".to_owned());
        return by_key(settings, parse_key(key).ok_or_else(invalid)?).await;
    }
    let text = params.get("q");
    let text = text.ok_or_else(|| Missing::Invalid("type what is to be found".to_owned()))?;
    let labels = labels(settings);
    if let Some(source) = settings.source() {
        let of_id = labels
            .iter()
            .map(|label| NotificationKey::new(label, text).into());
        let keys: Vec<EntryKey> = parse_key(text).into_iter().chain(of_id).collect();
        let mut entries = Vec::new();
        let mut last = None;
        let mut lookup = Lookup::new(&keys);
        while let Some(found) = lookup.next(source).await? {
            last = found.last().map(|stored| stored.key).or(last);
            entries.extend(found.iter().map(|stored| row(settings, stored)));
        }
        if entries.len() > 1 {
            let id = text.to_owned();
            return Ok(View::Matches(Matches { id, entries }));
        }
        if let Some(key) = last
            && let Some(found) = entry::gather(settings, source, key).await?
        {
            return Ok(View::Entry(Box::new(found)));
        }
    }
    if settings.recent.is_none() {
        let labels = labels.join(", ");
        let why = format!("no entry was found for {text} under the labels {labels}");
        return Err(Missing::NotFound(why));
    }
    let filter = DeliveryFilter {
        id: Some(text.to_owned()),
        ..DeliveryFilter::default()
    };
    let mut found = deliveries::gather(settings, filter)?;
    found.tried = settings.source().is_some().then_some(labels);
    Ok(View::Deliveries(found))
}

async fn by_key(settings: &Settings, key: EntryKey) -> Result<View, Missing> {
    if let Some(source) = settings.source()
        && let Some(found) = entry::gather(settings, source, key).await?
    {
        return Ok(View::Entry(Box::new(found)));
    }
    if settings.recent.is_none() {
        return Err(Missing::NotFound(format!(
            "there is no entry {key} (any more)"
        )));
    }
    let filter = DeliveryFilter {
        key: Some(key.to_string()),
        ..DeliveryFilter::default()
    };
    Ok(View::Deliveries(deliveries::gather(settings, filter)?))
}

/// Under which an id may have been stored: what is known best is looked for first.
fn labels(settings: &Settings) -> Vec<String> {
    let mut labels = vec![DEFAULT_LABEL.to_owned()];
    labels.extend(settings.labels.iter().cloned());
    let mut seen = Vec::new();
    if let Some(health) = &settings.health {
        let destinations = health.status().destinations;
        seen.extend(destinations.into_iter().map(|known| known.destination));
    }
    if let Some(recent) = &settings.recent {
        let records = recent.list(usize::MAX, |record| record.key.is_some());
        seen.extend(
            records
                .iter()
                .filter_map(|record| record.destination.clone()),
        );
    }
    seen.sort();
    for label in seen {
        if labels.len() < MOST_LABELS && !labels.contains(&label) {
            labels.push(label);
        }
    }
    labels
}
