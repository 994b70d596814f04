//! A notification with another object.

use std::{borrow::Cow, ops::Range};

use super::reader::{RawValue, find};

/// The same notification with another trigger and another object, and everything else byte for
/// byte; `None` if it has no object.
///
/// An object without a `grant_id`, or with an empty one, gets that of the object in whose place it
/// comes.
pub(crate) fn with_object(json: &[u8], trigger: &str, object: &[u8]) -> Option<Vec<u8>> {
    let name = serde_json::to_vec(trigger).ok()?;
    let old = find(json, &["data", "object"])?;
    let object = with_grant(object, old)?;
    let mut parts = [
        (place(json, find(json, &["type"])?)?, name),
        (place(json, old)?, object.into_owned()),
    ];
    parts.sort_by_key(|(place, _)| place.start);
    let mut spliced = Vec::with_capacity(json.len() + parts[0].1.len() + parts[1].1.len());
    let mut copied = 0;
    for (Range { start, end }, part) in parts {
        spliced.extend_from_slice(json.get(copied..start)?);
        spliced.extend_from_slice(&part);
        copied = end;
    }
    spliced.extend_from_slice(json.get(copied..)?);
    Some(spliced)
}

fn with_grant<'a>(object: &'a [u8], old: RawValue<'_>) -> Option<Cow<'a, [u8]>> {
    let own = find(object, &["grant_id"]);
    let text = own.and_then(RawValue::text_or_number);
    let has_own = text.is_some_and(|grant_id| !grant_id.is_empty());
    let Some(grant_id) = find(old.json, &["grant_id"]).filter(|_| !has_own) else {
        return Some(Cow::Borrowed(object));
    };
    let with_grant = if let Some(empty) = own {
        let Range { start, end } = place(object, empty)?;
        [object.get(..start)?, grant_id.json, object.get(end..)?].concat()
    } else {
        // It has an `id` at least, so a comma is right.
        let rest = object.strip_prefix(b"{")?;
        [b"{\"grant_id\":", grant_id.json, b",", rest].concat()
    };
    Some(with_grant.into())
}

/// Where a value stands in the JSON that it was found in.
fn place(json: &[u8], value: RawValue<'_>) -> Option<Range<usize>> {
    let start = value.json.as_ptr().addr();
    let start = start.checked_sub(json.as_ptr().addr())?;
    Some(start..start + value.json.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spliced(json: &str, object: &str) -> Option<String> {
        let spliced = with_object(json.as_bytes(), "message.created", object.as_bytes())?;
        Some(String::from_utf8(spliced).unwrap())
    }

    #[test]
    fn everything_else_stays_as_it_was() {
        for (json, expected) in [
            (
                r#"{"type":"m.c.truncated","x" : 1.50,"data":{"object":{"grant_id":"g"},"z":0} }"#,
                r#"{"type":"message.created","x" : 1.50,"data":{"object":{"id":"m","grant_id":"h"},"z":0} }"#,
            ),
            (
                r#"{"data":{"object":null},"type":"m\u002ec","type":"no"}"#,
                r#"{"data":{"object":{"id":"m","grant_id":"h"}},"type":"message.created","type":"no"}"#,
            ),
        ] {
            let object = r#"{"id":"m","grant_id":"h"}"#;
            assert_eq!(spliced(json, object).as_deref(), Some(expected));
        }
    }

    #[test]
    fn an_object_without_its_grant_gets_it() {
        let json = r#"{"type":"t","data":{"object":{"id":"m","grant_id":"g-1"}}}"#;
        let expected =
            r#"{"type":"message.created","data":{"object":{"grant_id":"g-1","id":"m"}}}"#;
        assert_eq!(spliced(json, r#"{"id":"m"}"#).as_deref(), Some(expected));
        for none in ["null", r#""""#, "[{}]"] {
            let object = format!(r#"{{"id":"m", "grant_id" : {none} }}"#);
            let expected =
                r#"{"type":"message.created","data":{"object":{"id":"m", "grant_id" : "g-1" }}}"#;
            assert_eq!(spliced(json, &object).as_deref(), Some(expected));
        }
        let beside = r#"{"type":"t","data":{"grant_id":"g-1","object":{"id":"m"}}}"#;
        let expected =
            r#"{"type":"message.created","data":{"grant_id":"g-1","object":{"id":"n"}}}"#;
        assert_eq!(spliced(beside, r#"{"id":"n"}"#).as_deref(), Some(expected));
    }

    #[test]
    fn nothing_takes_the_place_of_nothing() {
        for json in ["", "[]", r#"{"type":"t"}"#, r#"{"type":"t","data":{}}"#] {
            assert_eq!(spliced(json, r#"{"id":"m"}"#), None, "{json}");
        }
        assert_eq!(spliced(r#"{"data":{"object":1}}"#, r#"{"id":"m"}"#), None);
    }
}
