//! JSON with faults that `serde_json` refuses is read from a repaired copy (cases F6).

use std::sync::{Arc, Mutex};

use http::{Request, StatusCode};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceExt;
use tower_nylas::{
    MalformedReason, Notification, TriggerRouter,
    notification::{
        Deltas, Envelope,
        object::{Event, Message, Object},
    },
    testing::{self, SAMPLES},
};

fn message(body: impl Into<Vec<u8>>) -> Notification<Message> {
    testing::verified(body.into()).try_into().unwrap()
}

/// A mail with these bytes in the place of its subject, quotes included.
fn with_subject(subject: &[u8]) -> Vec<u8> {
    let before = br#"{"type":"message.created","id":"n-1","data":{"object":{"id":"m-1","subject":"#;
    [&before[..], subject, br#","grant_id":"g-1"}}}"#].concat()
}

#[test]
fn an_unpaired_surrogate_in_a_snippet() {
    let n = message(include_bytes!(
        "cases/F6-J01-lone-surrogate-in-snippet.json"
    ));
    assert_eq!(n.object.snippet.as_deref(), Some("see you \u{fffd}"));
    assert_eq!((&*n.object.id, n.object.date), ("m-1", Some(1_750_000_000)));
    assert!(n.unfit().is_empty());
    let raw = std::str::from_utf8(n.raw_object().unwrap()).unwrap();
    assert!(raw.contains(r"see you \ud83d"), "{raw}");
}

#[test]
fn invalid_utf8_in_an_unknown_field() {
    let n = message(include_bytes!(
        "cases/F6-J06c-invalid-utf8-in-unknown-field.json"
    ));
    assert_eq!(n.object.extra["zz"], "caf\u{fffd}");
    assert_eq!(n.object.thread_id.as_deref(), Some("t-1"));
}

#[test]
fn each_kind_of_fault() {
    for (subject, read) in [
        (&br#""\ud83d""#[..], "\u{fffd}"),
        (br#""\ude00 \ud83d\ud83d\ude00""#, "\u{fffd} \u{fffd}😀"),
        (br#""a\uDBFF\n""#, "a\u{fffd}\n"),
        (b"\"caf\xe9\"", "caf\u{fffd}"),
        (b"\"\xf0\x9f\x98\"", "\u{fffd}"),
        (b"\"\xed\xa0\xbd\"", "\u{fffd}\u{fffd}\u{fffd}"),
        (
            b"\"two\nlines\r\n\ttab\x00\x1b\"",
            "two\nlines\r\n\ttab\0\u{1b}",
        ),
        (b"\"\\\\\n\"", "\\\n"),
        (b"1e999", "1e999"),
        (b"-1.5E+4000", "-1.5E+4000"),
        (
            b"123456789012345678901234567890",
            "123456789012345678901234567890",
        ),
    ] {
        let body = with_subject(subject);
        let shown = String::from_utf8_lossy(&body).into_owned();
        let n = message(body.clone());
        assert_eq!(n.object.subject.as_deref(), Some(read), "{shown}");
        let any = Notification::<Object>::try_from(testing::verified(body.clone())).unwrap();
        assert_eq!(any.object.type_name(), "Message", "{shown}");
        // This one reads numbers of any size.
        let value = Notification::<Value>::try_from(testing::verified(body)).unwrap();
        assert_eq!(value.object["grant_id"], "g-1");
    }
}

#[tokio::test]
async fn a_byte_order_mark_in_front() {
    let body = [b"\xef\xbb\xbf ", &with_subject(b"\"s\"")[..]].concat();
    let n = message(body.clone());
    assert_eq!(
        (n.object.subject.as_deref(), n.id()),
        (Some("s"), Some("n-1"))
    );
    let raw: Value = serde_json::from_slice(n.raw_object().unwrap()).unwrap();
    assert_eq!(raw, json!({"id": "m-1", "subject": "s", "grant_id": "g-1"}));
    let verified = testing::verified(body);
    assert_eq!(Envelope::peek(&verified).unwrap().name(), "message.created");

    let seen = Arc::new(Mutex::new(None));
    let by_handler = seen.clone();
    let router = TriggerRouter::new().on("message.created", move |n: Notification<Message>| {
        *by_handler.lock().unwrap() = n.object.subject;
        async {}
    });
    let response = router.oneshot(Request::new(verified)).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(seen.lock().unwrap().as_deref(), Some("s"));
}

#[test]
fn faults_in_the_envelope_and_in_names() {
    let body = b"{\"type\":\"grant.expired\",\"id\":\"n\\ud800\",\"source\":\"a\nb\",\"time\":1e999,\"\xff\":1,\
        \"data\":{\"application_id\":\"\xe9\",\"object\":{\"grant_id\":\"g\\udfff\",\"metadata\":{\"\\ud83d\":\"v\"}}}}";
    let verified = testing::verified(&body[..]);
    let envelope = Envelope::peek(&verified).unwrap();
    let n = Notification::<Object>::try_from(verified.clone()).unwrap();
    assert_eq!(
        (n.id(), envelope.id()),
        (Some("n\u{fffd}"), Some("n\u{fffd}"))
    );
    assert_eq!((n.source(), n.time()), (Some("a\nb"), None));
    assert_eq!(n.application_id(), Some("\u{fffd}"));
    assert_eq!(n.extra()["\u{fffd}"], 1);
    let Object::Grant(grant) = &n.object else {
        panic!()
    };
    assert_eq!(grant.grant_id, "g\u{fffd}");
    assert_eq!(grant.metadata.text("\u{fffd}"), Some("v"));
    assert_eq!(n.grant_id().as_deref(), Some("g\u{fffd}"));
}

#[test]
fn faults_together_with_wrong_types_and_missing_ids() {
    let body = b"\xef\xbb\xbf{\"type\":\"event.created\",\"data\":{\"grant_id\":\"g\",\"object\":{\"id\":1e400,\
        \"title\":\"\\ud83d\x01\xff\",\"busy\":\"\xff\",\"participants\":[null,{\"email\":\"a\nb\"}],\"created_at\":1e400}}}";
    let n = Notification::<Event>::try_from(testing::verified(&body[..])).unwrap();
    assert_eq!(n.object.id, "1e400");
    assert_eq!(n.object.title.as_deref(), Some("\u{fffd}\u{1}\u{fffd}"));
    assert_eq!(n.object.participants[0].email.as_deref(), Some("a\nb"));
    let unfit: Vec<_> = n
        .unfit()
        .iter()
        .map(|unfit| (unfit.path(), unfit.value().clone()))
        .collect();
    assert_eq!(
        unfit,
        [
            ("/data/object/busy", json!("\u{fffd}")),
            ("/data/object/created_at", json!("1e400")),
            ("/data/object/participants/0", json!(null)),
        ]
    );
}

#[test]
fn the_same_for_types_of_ones_own_and_for_deltas() {
    #[derive(Deserialize)]
    struct Own {
        subject: String,
    }
    let body = testing::verified(with_subject(b"\"\\ud83d\xff\""));
    let n = Notification::<Own>::try_from(body).unwrap();
    assert_eq!(n.object.subject, "\u{fffd}\u{fffd}");

    let body = b"\xef\xbb\xbf{\"deltas\":[{\"type\":\"job.failed\",\"object\":\"\\ud83d\",\"date\":1e999}]}";
    let deltas = Deltas::from_slice(body).unwrap();
    assert_eq!(deltas.deltas[0].object.as_deref(), Some("\u{fffd}"));
    assert_eq!(deltas.unfit()[0].path(), "/deltas/0/date");
}

#[test]
fn other_faults_are_refused_with_their_place() {
    for (subject, reason) in [
        (
            &b"'s'"[..],
            MalformedReason::Syntax {
                line: 1,
                column: 77,
            },
        ),
        (
            b"\"\\x\"",
            MalformedReason::Syntax {
                line: 1,
                column: 79,
            },
        ),
        (
            b"01",
            MalformedReason::Syntax {
                line: 1,
                column: 78,
            },
        ),
        (
            b"NaN",
            MalformedReason::Syntax {
                line: 1,
                column: 77,
            },
        ),
        (
            b"\xff",
            MalformedReason::Syntax {
                line: 1,
                column: 77,
            },
        ),
    ] {
        let body = with_subject(subject);
        let shown = String::from_utf8_lossy(&body).into_owned();
        let malformed = Notification::<Message>::try_from(testing::verified(body)).unwrap_err();
        assert_eq!(*malformed.reason(), reason, "{shown}");
        assert_eq!(malformed.trigger().unwrap().to_string(), "message.created");
    }
    let mut body = with_subject(b"\"\\ud83d\"");
    body.pop();
    let malformed = Notification::<Message>::try_from(testing::verified(body)).unwrap_err();
    assert!(matches!(
        malformed.reason(),
        MalformedReason::UnexpectedEnd { line: 1, .. }
    ));
}

#[test]
fn what_is_nested_too_deep_is_not_read_as_a_type() {
    let nested = |depth| [vec![b'['; depth], vec![b']'; depth]].concat();
    assert!(
        Notification::<Message>::try_from(testing::verified(with_subject(&nested(124)))).is_ok()
    );
    let body = testing::verified(with_subject(&nested(125)));
    let malformed = Notification::<Value>::try_from(body).unwrap_err();
    assert_eq!(*malformed.reason(), MalformedReason::TooDeep);
    assert_eq!(
        malformed.reason().to_string(),
        "it is nested more than 127 levels deep"
    );
    assert_eq!(malformed.trigger().unwrap().to_string(), "message.created");
}

proptest! {
    #[test]
    fn any_bytes_between_quotes_lose_no_mail(bytes: Vec<u8>) {
        let inside: Vec<u8> = bytes.into_iter().filter(|byte| !b"\"\\".contains(byte)).collect();
        let n = message(with_subject(&[b"\"", &inside[..], b"\""].concat()));
        prop_assert_eq!(n.object.subject.unwrap(), String::from_utf8_lossy(&inside));
    }

    #[test]
    fn any_surrogates_lose_no_mail(units: Vec<u16>) {
        #[allow(clippy::format_collect)] // a few digits, once
        let escaped: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
        let n = message(with_subject(format!("\"{escaped}\"").as_bytes()));
        prop_assert_eq!(n.object.subject.unwrap(), String::from_utf16_lossy(&units));
    }

    #[test]
    fn a_byte_of_a_sample_that_is_no_utf8_loses_no_notification(
        index in 0..SAMPLES.len(), at: prop::sample::Index, byte in 0x80_u8..,
    ) {
        let mut bytes = SAMPLES[index].1.as_bytes().to_vec();
        let letters: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at].is_ascii_lowercase()).collect();
        let at = *at.get(&letters);
        let name = bytes[at];
        bytes[at] = byte;
        let verified = testing::verified(bytes);
        // The name of the trigger, the member `type`, `true`, `false` and `null` are not text.
        match Notification::<Object>::try_from(verified.clone()) {
            Ok(n) => prop_assert_eq!(n.body().bytes(), verified.bytes()),
            Err(why) => {
                let no_text = matches!(
                    why.reason(),
                    MalformedReason::Syntax { .. } | MalformedReason::NoType
                );
                prop_assert!(no_text, "{} {}", why, name);
            }
        }
    }
}
