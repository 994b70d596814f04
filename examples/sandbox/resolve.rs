//! From the texts of a command to what they mean, or why they mean nothing.

use http::{StatusCode, Uri};
use serde_json::{Map, Value};
use tower_nylas::{
    WebhookSecret,
    testing::{
        Change, SAMPLES,
        nylas::{Destination, Fault, NewDestination, Simulator},
        sample,
    },
    trigger::{Filter, Trigger, TriggerKind},
};

use crate::{
    command::{NewFault, NewWebhook},
    form::nearest,
    span::Span,
};

/// The destination with this URL or id.
pub(crate) fn destination(nylas: &Simulator, name: &str) -> Result<Destination, String> {
    let all = nylas.destinations();
    let found = all
        .iter()
        .find(|it| it.webhook_url == name || it.id.as_str() == name);
    let names = all.iter().flat_map(|it| [&*it.webhook_url, it.id.as_str()]);
    let unknown = || format!("there is no destination {name}{}", nearest(name, names));
    found.cloned().ok_or_else(unknown)
}

/// Those that are subscribed to a trigger.
pub(crate) fn subscribed(all: Vec<Destination>, trigger: &str) -> Vec<Destination> {
    let trigger = Trigger::from(trigger);
    let is_subscribed = |it: &Destination| {
        let mut filters = it.trigger_types.iter().filter_map(|it| it.parse().ok());
        filters.any(|filter: Filter| filter.matches(&trigger))
    };
    all.into_iter().filter(is_subscribed).collect()
}

/// The names that can be subscribed to, of these names and families.
fn triggers(wanted: Option<&[String]>) -> Result<Vec<String>, String> {
    let names = || {
        let known = TriggerKind::KNOWN.iter().map(TriggerKind::as_str);
        known.filter(|name| sample(name).is_some() && !name.ends_with(".metadata"))
    };
    let Some(wanted) = wanted else {
        return Ok(names().map(str::to_owned).collect());
    };
    let mut triggers = Vec::new();
    for name in wanted {
        let found: Vec<&str> = match name.strip_suffix('*') {
            Some(family) => names().filter(|it| it.starts_with(family)).collect(),
            None => names().filter(|it| it == name).collect(),
        };
        if found.is_empty() {
            return Err(format!("no trigger is `{name}`{}", nearest(name, names())));
        }
        triggers.extend(found.into_iter().map(str::to_owned));
    }
    triggers.sort();
    triggers.dedup();
    Ok(triggers)
}

/// What is to be created.
pub(crate) fn webhook(wanted: &NewWebhook) -> Result<NewDestination, String> {
    let url = &wanted.url;
    let uri = url.parse::<Uri>().ok();
    let uri = uri.filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")));
    if uri.is_none_or(|uri| uri.host().is_none()) {
        return Err(format!(
            "{url:?} is no URL such as http://127.0.0.1:8080/webhooks/nylas"
        ));
    }
    if let Some(secret) = &wanted.secret {
        WebhookSecret::new(secret.as_str()).map_err(|why| format!("--secret: {why}"))?;
    }
    let triggers = triggers(wanted.triggers.as_deref())?;
    Ok(NewDestination::new(url, triggers).compressed_delivery(wanted.gzip))
}

/// The changes of a sample, which it allows all of.
pub(crate) fn changes(trigger: &str, set: &Map<String, Value>) -> Result<Vec<Change>, String> {
    let Some(body) = sample(trigger) else {
        let names = SAMPLES.iter().map(|(name, _)| *name);
        return Err(format!(
            "no trigger is `{trigger}`{}",
            nearest(trigger, names)
        ));
    };
    let mut sample: Value = serde_json::from_str(body).map_err(|why| why.to_string())?;
    let mut changes = Vec::new();
    for (path, value) in set {
        let pointer = if path.starts_with('/') {
            path.clone()
        } else {
            format!("/{}", path.replace('.', "/"))
        };
        if let Some(place) = sample.pointer_mut(&pointer) {
            *place = value.clone();
            changes.push(Change::set(path, value.clone()));
            continue;
        }
        let (parent, name) = pointer.rsplit_once('/').unwrap_or_default();
        match sample.pointer_mut(parent) {
            Some(Value::Object(fields)) => {
                let name = name.replace("~1", "/").replace("~0", "~");
                fields.insert(name, value.clone());
                changes.push(Change::add(path, value.clone()));
            }
            _ => {
                return Err(format!(
                    "{trigger} has nothing that {path:?} could be added to"
                ));
            }
        }
    }
    Ok(changes)
}

const FAULTS: [&str; 7] = [
    "slow",
    "reset",
    "lost",
    "signature",
    "proxy",
    "twice",
    "late",
];

/// The fault, as yet for all destinations.
pub(crate) fn fault(new: &NewFault) -> Result<Fault, String> {
    let name = &*new.fault;
    let value = new.value.as_ref().map(|value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    let time = |text: &str| text.parse::<Span>().map(|Span(time)| time);
    let fault = match (name, value.as_deref()) {
        ("slow", Some(by)) => Fault::slow(time(by)?),
        ("reset", None) => Fault::reset_before_request(),
        ("reset", Some(after)) => Fault::reset_after_request(time(after)?),
        ("lost", None) => Fault::answer_lost(),
        ("signature", None) => Fault::wrong_signature(),
        ("proxy", Some(status)) => match status.parse::<StatusCode>() {
            Ok(status) => Fault::proxy_answers(status),
            Err(_) => return Err(format!("{status:?} is no status such as 502")),
        },
        ("twice", None) => Fault::sent_twice(),
        ("late", Some(within)) => Fault::out_of_order(time(within)?),
        ("slow" | "late", None) => return Err(format!("{name} needs a time, such as 5s")),
        ("proxy", None) => return Err("proxy needs a status, such as 502".to_owned()),
        (known, Some(_)) if FAULTS.contains(&known) => {
            return Err(format!("{known} takes no value"));
        }
        (other, _) => {
            return Err(format!(
                "there is no fault `{other}`{}",
                nearest(other, FAULTS)
            ));
        }
    };
    match new.probability {
        Some(probability) if !(0.0..=1.0).contains(&probability) => {
            Err(format!("{probability} is no probability from 0 to 1"))
        }
        probability => Ok(fault
            .probability(probability.unwrap_or(1.0))
            .count(new.count.unwrap_or(u64::MAX))),
    }
}
