//! The second, lenient reading of a body that could not be read at once.

use serde_json::{Map, Value};

use super::{
    Payload,
    head::{Head, Kind},
    payload::UnfitObject,
    repair::repair,
    unfit::Unfit,
    wire::{Data, Wire, text},
};
use crate::{report::MalformedReason, trigger::Trigger};

/// What a second reading found.
pub(super) struct Reread<T> {
    pub(super) object: T,
    pub(super) wire: Wire<()>,
    pub(super) unfit: Vec<Unfit>,
}

/// Reads a notification leniently, from a repaired copy. Of several members of one name, the last
/// one counts; of those in its head, the first one does, by which it was routed.
///
/// # Errors
///
/// The reason, if it is no notification, or if its object does not fit without something that is
/// not there.
#[cold]
pub(super) fn reread<T: Payload>(json: &[u8]) -> Result<Reread<T>, MalformedReason> {
    let repaired = repair(json).map_err(|_| MalformedReason::TooDeep)?;
    let value =
        serde_json::from_slice(&repaired).map_err(|why| MalformedReason::of_syntax(&why))?;
    // As the router and `Envelope` read it.
    let head = Head::of(json);
    let trigger = match &head.kind {
        Kind::Trigger(name) => Trigger::from(&**name),
        Kind::Deltas => return Err(MalformedReason::Deltas),
        Kind::Malformed(reason) => return Err(reason.clone()),
    };
    let Value::Object(mut members) = value else {
        return Err(MalformedReason::NoType);
    };
    for name in ["type", "id", "time", "webhook_delivery_attempt"] {
        members.remove(name);
    }
    let mut unfit = Vec::new();
    let mut missing = None;
    let mut data = match members.remove("data") {
        Some(Value::Object(data)) => data,
        None => {
            missing = Some(("data", ""));
            Map::new()
        }
        Some(other) => {
            unfit.push(Unfit::new("/data".to_owned(), "an object".into(), other));
            Map::new()
        }
    };
    let mut take = |name: &str| data.remove(name).and_then(text);
    let (application_id, grant_id) = (take("application_id"), take("grant_id"));
    let object = data.remove("object").unwrap_or_else(|| {
        missing.get_or_insert(("object", "/data"));
        Value::Null
    });
    let object = UnfitObject {
        stem: trigger.kind().as_str(),
        json: object,
        grant_id: grant_id.as_deref().filter(|id| !id.is_empty()),
    };
    let (object, unfit_of_object) = T::reread(object).map_err(|reason| match missing {
        Some((field, path)) => MalformedReason::MissingField {
            field: field.to_owned(),
            path: path.to_owned(),
        },
        None => reason,
    })?;
    unfit.extend(unfit_of_object);
    let mut take = |name: &str| members.remove(name).and_then(text);
    let wire = Wire {
        trigger,
        id: head.id().map(std::borrow::Cow::into_owned),
        source: take("source"),
        specversion: take("specversion"),
        time: head.time(),
        attempt: head.attempt(),
        data: Data {
            application_id,
            grant_id,
            object: (),
            extra: data,
        },
        extra: members,
    };
    Ok(Reread {
        object,
        wire,
        unfit,
    })
}
