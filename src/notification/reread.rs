//! The second, lenient reading of a body that could not be read at once.

use std::{
    borrow::Cow,
    collections::{BTreeMap, btree_map::Entry},
};

use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::{
    Payload, fit,
    head::{Head, Kind},
    payload::UnfitObject,
    reader::{Members, RawValue},
    repair::repair,
    unfit::Unfit,
    wire::Wire,
};
use crate::{report::MalformedReason, trigger::Trigger};

/// What a second reading found.
pub(super) struct Reread<T> {
    pub(super) object: T,
    pub(super) wire: Wire<()>,
    pub(super) unfit: Vec<Unfit>,
}

/// Reads a notification leniently, from a repaired copy.
///
/// # Errors
///
/// The reason, if it is no notification, or if its object does not fit without something that is
/// not there.
#[cold]
pub(super) fn reread<T: Payload>(json: &[u8]) -> Result<Reread<T>, MalformedReason> {
    let repaired = repaired(json)?;
    // As the router reads it.
    let trigger = match Head::of(json).kind {
        Kind::Trigger(name) => Trigger::from(&*name),
        Kind::Deltas => return Err(MalformedReason::Deltas),
        Kind::Malformed(reason) => return Err(reason),
    };
    let mut unfit = Vec::new();
    let mut envelope =
        members(&repaired, "", &ENVELOPE, &mut unfit).ok_or(MalformedReason::NoType)?;
    let missing = |field: &str, path: &str| MalformedReason::MissingField {
        field: field.to_owned(),
        path: path.to_owned(),
    };
    let data = match envelope.remove("data").filter(|value| !value.is_null()) {
        None => Err(missing("data", "")),
        Some(value) => members(value.json, DATA, &IN_DATA, &mut unfit).ok_or_else(|| {
            let expected = "an object";
            let value = value.value().unwrap_or_default();
            unfit.push(Unfit::new(DATA.to_owned(), expected.into(), value));
            MalformedReason::UnfitValue {
                path: DATA.to_owned(),
                expected: expected.to_owned(),
            }
        }),
    };
    let (mut data, mut without_object) = match data {
        Ok(data) => (data, None),
        Err(reason) => (Named::new(), Some(reason)),
    };
    let object = data.remove("object").and_then(RawValue::value);
    let object = object.unwrap_or_else(|| {
        without_object.get_or_insert_with(|| missing("object", DATA));
        Value::Null
    });
    let wire = wire(envelope, data, &mut unfit)?;
    let object = UnfitObject {
        stem: trigger.kind().as_str(),
        json: object,
        grant_id: wire.data.grant_id.as_deref().filter(|id| !id.is_empty()),
    };
    let (object, unfit_of_object) =
        T::reread(object).map_err(|reason| without_object.unwrap_or(reason))?;
    unfit.extend(unfit_of_object);
    Ok(Reread {
        object,
        wire,
        unfit,
    })
}

const DATA: &str = "/data";

/// The members that have a meaning of their own.
const ENVELOPE: [&str; 7] = [
    "type",
    "id",
    "source",
    "specversion",
    "time",
    "webhook_delivery_attempt",
    "data",
];
const IN_DATA: [&str; 3] = ["application_id", "grant_id", "object"];

/// A copy of `json` without its faults.
///
/// # Errors
///
/// The reason, if it still is not JSON.
pub(super) fn repaired(json: &[u8]) -> Result<Cow<'_, [u8]>, MalformedReason> {
    let repaired = repair(json).map_err(|_| MalformedReason::TooDeep)?;
    match serde_json::from_slice::<IgnoredAny>(&repaired) {
        Ok(_) => Ok(repaired),
        Err(why) => Err(MalformedReason::of_syntax(&why)),
    }
}

type Named<'a> = BTreeMap<Cow<'a, str>, RawValue<'a>>;

/// The members of an object whose path is `base`; `None` if it is no object. Of several of one
/// name, the first counts if it is one of `known`, as for the router, and the last if it is not, as
/// for `serde_json`; the others are listed.
pub(super) fn members<'a>(
    json: &'a [u8],
    base: &str,
    known: &[&str],
    unfit: &mut Vec<Unfit>,
) -> Option<Named<'a>> {
    let mut members = Members::of(json)?;
    let mut named = Named::new();
    while let Some(name) = members.next_key() {
        let (name, value) = (name.decode()?, members.value()?);
        match named.entry(name) {
            Entry::Vacant(first) => {
                first.insert(value);
            }
            Entry::Occupied(mut counts) => {
                let mut path = base.to_owned();
                fit::push_name(&mut path, counts.key());
                let other = if known.contains(&&**counts.key()) {
                    value
                } else {
                    counts.insert(value)
                };
                let expected = "the only member of its name".into();
                unfit.push(Unfit::new(path, expected, other.value()?));
            }
        }
    }
    Some(named)
}

/// As values of their own.
pub(super) fn values(named: Named<'_>) -> Map<String, Value> {
    let values = named.into_iter();
    values
        .filter_map(|(name, raw)| Some((name.into_owned(), raw.value()?)))
        .collect()
}

/// Reads what is around an object.
fn wire(
    envelope: Named<'_>,
    data: Named<'_>,
    unfit: &mut Vec<Unfit>,
) -> Result<Wire<()>, MalformedReason> {
    let (mut envelope, mut data) = (values(envelope), values(data));
    data.insert("object".to_owned(), Value::Null);
    envelope.insert("data".to_owned(), Value::Object(data));
    let (wire, unfit_of_envelope) = fit::take(&mut Value::Object(envelope), "", |_| None)?;
    unfit.extend(unfit_of_envelope);
    Ok(wire)
}
