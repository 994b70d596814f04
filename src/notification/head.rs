//! What an operator wants to know of a notification.

use std::borrow::Cow;

use super::reader::{Members, RawValue};

/// The members that identify a notification and one attempt to deliver it, read without parsing
/// the rest. Nylas writes them in front of `data`, and reading ends at the last of them.
pub(crate) struct Head<'a> {
    pub(crate) kind: Kind<'a>,
    #[cfg_attr(not(feature = "tracing"), allow(dead_code))]
    pub(crate) id: Option<Cow<'a, str>>,
    pub(crate) time: Option<i64>,
    pub(crate) attempt: Option<i64>,
}

/// What kind of body this is.
pub(crate) enum Kind<'a> {
    /// A notification, with the name of its trigger.
    Trigger(Cow<'a, str>),
    /// No `type`, but the `deltas` of Nylas API v2.
    Deltas,
    Malformed,
}

impl<'a> Head<'a> {
    /// The name of the trigger.
    #[cfg(feature = "tracing")]
    pub(crate) fn trigger(&self) -> Option<&str> {
        match &self.kind {
            Kind::Trigger(name) => Some(name),
            Kind::Deltas | Kind::Malformed => None,
        }
    }

    pub(crate) fn of(json: &'a [u8]) -> Self {
        let (mut name, mut id, mut time, mut attempt) = (None, None, None, None);
        let mut deltas = false;
        if let Some(mut members) = Members::of(json) {
            while let Some(key) = members.next_key() {
                // The first of several counts, as it does for the router.
                let slot = if key.is("type") {
                    Some(&mut name)
                } else if key.is("id") {
                    Some(&mut id)
                } else if key.is("time") {
                    Some(&mut time)
                } else if key.is("webhook_delivery_attempt") {
                    Some(&mut attempt)
                } else {
                    deltas |= key.is("deltas");
                    None
                };
                let passed = match slot {
                    Some(slot) if slot.is_none() => {
                        members.value().map(|value| *slot = Some(value))
                    }
                    _ => members.skip_value(),
                };
                let all = name.is_some() && id.is_some() && time.is_some() && attempt.is_some();
                if all || passed.is_none() {
                    break;
                }
            }
        }
        Self {
            kind: match name {
                Some(name) => name.text().map_or(Kind::Malformed, Kind::Trigger),
                None if deltas => Kind::Deltas,
                None => Kind::Malformed,
            },
            id: id.and_then(RawValue::text),
            time: time.and_then(number),
            attempt: attempt.and_then(number),
        }
    }
}

fn number(value: RawValue<'_>) -> Option<i64> {
    std::str::from_utf8(value.json).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The trigger, the id, the time and the attempt.
    fn read(json: &str) -> (String, Option<String>, Option<i64>, Option<i64>) {
        let head = Head::of(json.as_bytes());
        let kind = match head.kind {
            Kind::Trigger(name) => name.into_owned(),
            Kind::Deltas => "(deltas)".to_owned(),
            Kind::Malformed => "(malformed)".to_owned(),
        };
        (kind, head.id.map(Cow::into_owned), head.time, head.attempt)
    }

    #[test]
    fn the_members_are_found_in_any_order_and_the_first_of_each_counts() {
        let expected = ("a.b".to_owned(), Some("n-1".to_owned()), Some(-7), Some(2));
        for json in [
            r#"{"type":"a.b","id":"n-1","time":-7,"webhook_delivery_attempt":2,"data":{"#,
            r#"{"data":{"id":"no","type":"no"},"webhook_delivery_attempt":2,"time":-7,"id":"n-1","type":"a.b"}"#,
            r#"{"id":"n-1","id":"n-2","type":"a.b","type":"c.d","time":-7,"time":8,"webhook_delivery_attempt":2}"#,
        ] {
            assert_eq!(read(json), expected, "{json}");
        }
    }

    #[test]
    fn what_is_of_another_type_is_not_there() {
        let nothing = |kind: &str| (kind.to_owned(), None, None, None);
        for (json, kind) in [
            (
                r#"{"type":"a.b","id":1,"time":"7","webhook_delivery_attempt":1.5}"#,
                "a.b",
            ),
            (r#"{"type":["a.b"],"id":null}"#, "(malformed)"),
            (r#"{"deltas":[]}"#, "(deltas)"),
            ("[]", "(malformed)"),
            ("", "(malformed)"),
        ] {
            assert_eq!(read(json), nothing(kind), "{json}");
        }
    }
}
