//! Reads JSON of Nylas that is no notification.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    fit,
    reader::{RawValue, find},
    reread::repaired,
};
use crate::report::MalformedReason;

/// A member of an object.
///
/// # Errors
///
/// The reason, if this is no JSON or has no such member.
pub(crate) fn member(json: &[u8], name: &str) -> Result<Value, MalformedReason> {
    let json = repaired(json)?;
    let value = find(&json, &[name]).and_then(RawValue::value);
    value.ok_or_else(|| missing(name))
}

/// Reads a value as leniently as the object of a notification: what does not fit is left out.
///
/// # Errors
///
/// The reason, if it does not fit without something that it needs.
pub(crate) fn read<T: DeserializeOwned>(
    mut value: Value,
    path: &str,
) -> Result<T, MalformedReason> {
    fit::take(&mut value, path, |_| None).map(|(read, _)| read)
}

/// A member as it stands, from a repaired copy if it needs repair.
///
/// # Errors
///
/// The reason, if this is no JSON or has no such member.
pub(crate) fn raw_member(json: &[u8], name: &str) -> Result<Box<[u8]>, MalformedReason> {
    let json = repaired(json)?;
    let value = find(&json, &[name]).ok_or_else(|| missing(name))?;
    Ok(value.json.into())
}

/// The text or the number at this path from the top, if there is one.
pub(crate) fn text_at<'a>(json: &'a [u8], path: &[&str]) -> Option<Cow<'a, str>> {
    find(json, path)?.text_or_number()
}

fn missing(name: &str) -> MalformedReason {
    MalformedReason::MissingField {
        field: name.to_owned(),
        path: String::new(),
    }
}
