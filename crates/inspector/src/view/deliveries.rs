//! The last deliveries and refusals.

use serde::Serialize;

use super::Missing;
use crate::{
    params::{Link, Params},
    recent::{Kind, Record},
    settings::Settings,
    time::rfc3339,
};

#[derive(Debug, Default, Clone, Serialize)]
pub(crate) struct DeliveryFilter {
    pub(crate) kind: Option<&'static str>,
    pub(crate) only_lost: bool,
    pub(crate) trigger: Option<String>,
    /// The whole id of a notification.
    pub(crate) id: Option<String>,
    /// Of an entry.
    pub(crate) key: Option<String>,
    pub(crate) before: Option<u64>,
}

impl DeliveryFilter {
    pub(super) fn parse(params: &Params) -> Result<Self, Missing> {
        let (kind, only_lost) = match params.get("kind") {
            None | Some("all") => (None, false),
            Some("lost") => (None, true),
            Some(name) => {
                let kind = Kind::from_name(name).map(Kind::as_str);
                let invalid = || Missing::Invalid(format!("no kind is named {name}"));
                (Some(kind.ok_or_else(invalid)?), false)
            }
        };
        let before = match params.get("before") {
            None => None,
            Some(text) => {
                let invalid = |_| Missing::Invalid(format!("{text} is no position"));
                Some(text.parse().map_err(invalid)?)
            }
        };
        Ok(Self {
            kind,
            only_lost,
            trigger: params.get("trigger").map(str::to_owned),
            id: params.get("id").map(str::to_owned),
            key: params.get("key").map(str::to_owned),
            before,
        })
    }

    pub(crate) fn link(&self) -> Link {
        Link::to("deliveries")
            .with_some(
                "kind",
                if self.only_lost {
                    Some("lost")
                } else {
                    self.kind
                },
            )
            .with_some("trigger", self.trigger.as_deref())
            .with_some("id", self.id.as_deref())
            .with_some("key", self.key.as_deref())
            .with_some("before", self.before)
    }

    fn selects(&self, record: &Record) -> bool {
        self.kind.is_none_or(|kind| kind == record.kind.as_str())
            && (!self.only_lost || record.is_lost)
            && (self.trigger.is_none() || self.trigger == record.trigger)
            && self.id.as_deref().is_none_or(|id| record.is_of(id))
            && self.key.as_ref().is_none_or(|key| {
                record
                    .key
                    .is_some_and(|of_record| of_record.to_string() == *key)
            })
            && self.before.is_none_or(|before| record.number < before)
    }
}

#[allow(clippy::struct_field_names)] // as they are called in JSON
#[derive(Debug, Serialize)]
pub(crate) struct Deliveries {
    pub(crate) filter: DeliveryFilter,
    pub(crate) deliveries: Vec<DeliveryRow>,
    /// The link to those before.
    pub(crate) next: Option<String>,
    /// Under which labels an entry was looked for, and not found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tried: Option<Vec<String>>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct DeliveryRow {
    pub(crate) at: String,
    #[serde(skip)]
    pub(crate) since_epoch: std::time::Duration,
    pub(crate) kind: &'static str,
    pub(crate) status: Option<u16>,
    pub(crate) destination: Option<String>,
    pub(crate) trigger: Option<String>,
    pub(crate) notification_id: Option<String>,
    pub(crate) attempt: Option<u32>,
    pub(crate) is_lost: bool,
    pub(crate) milliseconds: u128,
    pub(crate) text: String,
    /// Of its entry; there may be none.
    pub(crate) key: Option<String>,
}

pub(crate) fn delivery(settings: &Settings, record: &Record) -> DeliveryRow {
    let key = record.key.filter(|_| settings.source.is_some());
    DeliveryRow {
        at: rfc3339(record.at),
        since_epoch: record.at,
        kind: record.kind.as_str(),
        status: record.status,
        destination: record.destination.clone(),
        trigger: record.trigger.clone(),
        notification_id: record.notification_id.clone(),
        attempt: record.attempt,
        is_lost: record.is_lost,
        milliseconds: record.took.as_millis(),
        text: record.text.clone(),
        key: key.map(|key| key.to_string()),
    }
}

pub(super) fn gather(settings: &Settings, filter: DeliveryFilter) -> Result<Deliveries, Missing> {
    let recent = settings.recent.as_ref();
    let missing = || Missing::NotFound("this inspector has no deliveries".to_owned());
    let recent = recent.ok_or_else(missing)?;
    let max = settings.most_listed;
    let mut found = recent.list(max + 1, |record| filter.selects(record));
    let has_more = found.len() > max;
    found.truncate(max);
    let next = found.last().filter(|_| has_more).map(|last| {
        let before = Some(last.number);
        let next = DeliveryFilter {
            before,
            ..filter.clone()
        };
        next.link().as_str().to_owned()
    });
    Ok(Deliveries {
        deliveries: found
            .iter()
            .map(|record| delivery(settings, record))
            .collect(),
        filter,
        next,
        tried: None,
    })
}
