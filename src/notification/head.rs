//! The members that identify a notification, read without parsing the rest.

use std::{borrow::Cow, ops::Range};

#[cfg(feature = "inbox")]
use super::reader::find;
use super::{
    fit::whole_in_text,
    reader::{Members, RawValue},
};
use crate::{report::MalformedReason, verify::VerifiedBody};

/// The members that identify a notification and one attempt to deliver it.
///
/// Nylas writes them in front of `data`, and reading ends at the last of them. The first of several
/// members with one name counts. A value that is not of the type that it should be is read as
/// leniently as [`Notification`](super::Notification) reads it, or is treated as absent.
pub(crate) struct Head<'a> {
    json: &'a [u8],
    pub(crate) kind: Kind<'a>,
    id: Option<RawValue<'a>>,
    time: Option<RawValue<'a>>,
    attempt: Option<RawValue<'a>>,
}

/// What kind of body this is.
pub(crate) enum Kind<'a> {
    /// A notification, with the name of its trigger.
    Trigger(Cow<'a, str>),
    /// No `type`, but the `deltas` of Nylas API v2.
    Deltas,
    Malformed(MalformedReason),
}

impl<'a> Head<'a> {
    pub(crate) fn of(json: &'a [u8]) -> Self {
        Self::read::<true>(json)
    }

    /// The name of the trigger.
    pub(crate) fn trigger(&self) -> Option<&str> {
        match &self.kind {
            Kind::Trigger(name) => Some(name),
            Kind::Deltas | Kind::Malformed(_) => None,
        }
    }

    /// Where the name of the trigger stands in the body; `None` if it has escapes.
    pub(crate) fn trigger_at(&self) -> Option<Range<usize>> {
        let Kind::Trigger(Cow::Borrowed(name)) = self.kind else {
            return None;
        };
        let start = name
            .as_ptr()
            .addr()
            .checked_sub(self.json.as_ptr().addr())?;
        Some(start..start + name.len())
    }

    pub(crate) fn id(&self) -> Option<Cow<'a, str>> {
        self.id?.text_or_number()
    }

    /// In Unix seconds.
    pub(crate) fn time(&self) -> Option<i64> {
        whole_number(self.time?)
    }

    /// From 1.
    pub(crate) fn attempt(&self) -> Option<u32> {
        whole_number(self.attempt?)?.try_into().ok()
    }

    /// Reads until the `WHOLE` head is known, or only the name of the trigger. Two functions after
    /// compilation, of which the router's is some 100 instructions shorter than one that asks.
    fn read<const WHOLE: bool>(json: &'a [u8]) -> Self {
        let (mut name, mut id, mut time, mut attempt) = (None, None, None, None);
        let mut deltas = false;
        if let Some(mut members) = Members::of(json) {
            while let Some(key) = members.next_key() {
                let slot = if key.is("type") {
                    Some(&mut name)
                } else if WHOLE && key.is("id") {
                    Some(&mut id)
                } else if WHOLE && key.is("time") {
                    Some(&mut time)
                } else if WHOLE && key.is("webhook_delivery_attempt") {
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
                let enough = name.is_some()
                    && (!WHOLE || id.is_some() && time.is_some() && attempt.is_some());
                if enough || passed.is_none() {
                    break;
                }
            }
        }
        Self {
            json,
            kind: match name.map(RawValue::text) {
                Some(Some(name)) => Kind::Trigger(name),
                Some(None) => Kind::Malformed(MalformedReason::TypeNotString),
                None if deltas => Kind::Deltas,
                None => Kind::Malformed(MalformedReason::NoType),
            },
            id,
            time,
            attempt,
        }
    }
}

impl<'a> Kind<'a> {
    /// The kind of a body whose head may have been read already.
    pub(crate) fn of_verified(body: &'a VerifiedBody) -> Self {
        match body.trigger() {
            Some(name) => Self::Trigger(Cow::Borrowed(name)),
            None => Self::of(body.bytes()),
        }
    }

    /// Reads until the name of the trigger is known: all that routing needs.
    pub(crate) fn of(json: &'a [u8]) -> Self {
        Head::read::<false>(json).kind
    }
}

/// The grant that a notification is about, read without parsing the rest.
#[cfg(feature = "inbox")]
pub(crate) fn grant_id(json: &[u8]) -> Option<Cow<'_, str>> {
    let paths: [&[&str]; 2] = [&["data", "grant_id"], &["data", "object", "grant_id"]];
    let mut found = paths.into_iter().filter_map(|path| {
        let id = find(json, path)?.text_or_number()?;
        (!id.is_empty()).then_some(id)
    });
    found.next()
}

/// A whole number, also with a fraction of zero or in a string.
fn whole_number(value: RawValue<'_>) -> Option<i64> {
    // The usual case takes 30 instructions of its own instead of 200 of the standard library's.
    if value.json.len() < 19 && value.json.iter().all(u8::is_ascii_digit) {
        let digits = value.json.iter().map(|digit| i64::from(digit - b'0'));
        return digits.reduce(|number, digit| number * 10 + digit);
    }
    let number = match value.text() {
        Some(text) => whole_in_text(&text),
        None => whole_in_text(std::str::from_utf8(value.json).ok()?),
    };
    number?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The trigger, the id, the time and the attempt.
    fn read(json: &str) -> (String, Option<String>, Option<i64>, Option<u32>) {
        let head = Head::of(json.as_bytes());
        let (time, attempt) = (head.time(), head.attempt());
        let id = head.id().map(Cow::into_owned);
        let kind = match head.kind {
            Kind::Trigger(name) => name.into_owned(),
            Kind::Deltas => "(deltas)".to_owned(),
            Kind::Malformed(reason) => format!("({reason:?})"),
        };
        (kind, id, time, attempt)
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
    fn a_text_may_be_a_number_and_a_number_a_text() {
        for (json, id, number) in [
            (
                r#"{"type":"a.b","id":1,"time":"7","webhook_delivery_attempt":"7"}"#,
                "1",
                7,
            ),
            (
                r#"{"type":"a.b","id":1.50,"time":"+7","webhook_delivery_attempt":7}"#,
                "1.5",
                7,
            ),
            (
                r#"{"type":"a.b","id":"n","time":7.0,"webhook_delivery_attempt":"7.0"}"#,
                "n",
                7,
            ),
            (
                r#"{"type":"a.b","id":-0.0,"time":-0,"webhook_delivery_attempt":0e7}"#,
                "-0.0",
                0,
            ),
        ] {
            let expected = (
                "a.b".to_owned(),
                Some(id.to_owned()),
                Some(i64::from(number)),
                Some(number),
            );
            assert_eq!(read(json), expected, "{json}");
        }
    }

    #[test]
    fn what_is_of_another_type_is_not_there() {
        let nothing = |kind: &str| (kind.to_owned(), None, None, None);
        for (json, kind) in [
            (
                r#"{"type":"a.b","id":[1],"time":"soon","webhook_delivery_attempt":1.5}"#,
                "a.b",
            ),
            (
                r#"{"type":"a.b","id":true,"time":null,"webhook_delivery_attempt":"7.5"}"#,
                "a.b",
            ),
            (r#"{"type":["a.b"],"id":null}"#, "(TypeNotString)"),
            (r#"{"deltas":[]}"#, "(deltas)"),
            ("[]", "(NoType)"),
            ("", "(NoType)"),
        ] {
            assert_eq!(read(json), nothing(kind), "{json}");
        }
    }

    #[test]
    fn the_router_reads_no_further_than_the_name() {
        for (json, is_trigger) in [
            (r#"{"id":{"type":"no"},"type":"a.b","data":{"#, true),
            (r#"{"deltas":[],"type":"a.b""#, true),
            (r#"{"deltas":[],"id":"#, false),
        ] {
            let kind = Kind::of(json.as_bytes());
            assert_eq!(
                matches!(kind, Kind::Trigger(name) if name == "a.b"),
                is_trigger
            );
        }
    }

    /// Both are read from the same bytes, by different readers.
    #[cfg(feature = "testing")]
    #[test]
    fn agrees_with_the_notification() {
        for value in [
            "7",
            "-7",
            "-0",
            "1.50",
            "1e3",
            "-1.0",
            "99999999999999999999",
            "4294967296",
            r#""7""#,
            r#""+7""#,
            r#"" 7""#,
            r#""-0""#,
            r#""7.0""#,
            "7.0",
            "9007199254740993.0",
            r#""\u0037""#,
            r#""x""#,
            r#""""#,
            "null",
            "true",
            "[7]",
            r#"{"a":7}"#,
        ] {
            let json = format!(
                r#"{{"id":{value},"time":{value},"type":"a.b","webhook_delivery_attempt":{value},"data":{{"object":1}}}}"#
            );
            let body = crate::testing::verified(json);
            let envelope = crate::notification::Envelope::peek(&body).unwrap();
            let notification: crate::notification::Notification = body.clone().try_into().unwrap();
            assert_eq!(envelope.id(), notification.id(), "{value}");
            assert_eq!(envelope.time(), notification.time(), "{value}");
            assert_eq!(envelope.attempt(), notification.attempt(), "{value}");
        }
    }
}
