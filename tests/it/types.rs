//! A value of another JSON type than its field's loses no notification (cases F4 and F5).

// Types as users write them, each beside the test that reads it.
#![allow(
    clippy::items_after_statements,
    clippy::needless_pass_by_value,
    clippy::struct_field_names,
    clippy::unnecessary_wraps,
    clippy::zero_sized_map_values
)]

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tower_nylas::{
    MalformedReason, Notification,
    notification::{
        Deltas, Malformed, Payload, Unfit,
        object::{
            Alert, Booking, BounceDetected, Calendar, Contact, Event, Grant, Intelligence,
            LinkClicked, Message, MessageBounced, MessageDelivered, MessageOpened, Notetaker,
            NumberOrString, Object, SendResult, When,
        },
    },
    testing::{self, SAMPLES},
};
use tower_nylas_kit::accounting::{is_same, pointers, without_nulls};

fn read<T: Payload>(body: impl ToString) -> Result<Notification<T>, Malformed> {
    testing::verified(body.to_string()).try_into()
}

macro_rules! case {
    ($name:literal) => {
        include_str!(concat!("cases/", $name, ".json"))
    };
}

fn sample(trigger: &str) -> Value {
    serde_json::from_str(testing::sample(trigger).expect("the sample is there")).unwrap()
}

/// A sample with other members in its object.
fn changed(trigger: &str, members: &Value) -> Value {
    let mut body = sample(trigger);
    for (name, value) in members.as_object().unwrap() {
        body["data"]["object"][name] = value.clone();
    }
    body
}

/// Paths below `data.object`, what was expected, and values.
fn listed(unfit: &[Unfit]) -> Vec<(&str, &str, Value)> {
    unfit
        .iter()
        .map(|unfit| {
            let path = unfit.path().strip_prefix("/data/object").unwrap();
            (path, unfit.expected(), unfit.value().clone())
        })
        .collect()
}

// The cases, by value.

#[test]
fn a_size_that_no_integer_holds_is_taken_out_of_its_attachment() {
    let n: Notification<Message> = read(case!("F4-J05-big-int-size")).unwrap();
    let attachment = &n.object.attachments[0];
    assert_eq!(
        (attachment.id.as_deref(), attachment.size),
        (Some("a"), None)
    );
    let digits = json!("18446744073709551616");
    let expected = "a whole number that fits i64";
    assert_eq!(
        listed(n.unfit()),
        [("/attachments/0/size", expected, digits)]
    );
    let raw = std::str::from_utf8(n.raw_object().unwrap()).unwrap();
    assert!(raw.ends_with(r#""size":18446744073709551616}]}"#), "{raw}");
}

#[test]
fn one_telephone_number_is_a_list_of_one() {
    let n: Notification<Event> = read(case!("F4-N01e-conferencing-phone-single-string")).unwrap();
    let details = n.object.conferencing.unwrap().details.unwrap();
    assert_eq!(*details.phone, ["+490000"]);
    assert!(
        n.object
            .when
            .is_some_and(|when| matches!(when, When::Timespan(_)))
    );
}

#[test]
fn a_date_with_a_fraction_of_zero_is_a_date() {
    let n: Notification<Message> = read(case!("F4-N06a-message-date-double")).unwrap();
    assert_eq!((n.object.date, n.unfit()), (Some(1_750_000_000), &[][..]));
}

#[test]
fn media_as_objects_are_taken_out_one_by_one() {
    let n: Notification<Notetaker> = read(case!("F4-N10d-notetaker-media-objects")).unwrap();
    assert_eq!(n.object.id, "nt-1");
    let media = n.object.media.as_ref().unwrap();
    assert_eq!((&media.recording, &media.transcript), (&None, &None));
    let media =
        |file: &str, size: i64| json!({"url": format!("https://x.example/{file}"), "size": size});
    assert_eq!(
        listed(n.unfit()),
        [
            ("/media/recording", "a string", media("r", 21_550_491)),
            ("/media/transcript", "a string", media("t", 862)),
        ]
    );
}

#[test]
fn link_data_may_be_one_object() {
    let n: Notification<LinkClicked> = read(case!("F4-N14b-link_data-is-an-object")).unwrap();
    let [link] = &*n.object.link_data else {
        panic!()
    };
    assert_eq!(
        (link.count, link.url.as_deref()),
        (Some(1), Some("https://x.example"))
    );
    assert!(n.unfit().is_empty());
}

#[test]
fn metadata_as_an_empty_list_are_absent() {
    let n: Notification<Event> = read(case!("F4-N26b-metadata-empty-list-php")).unwrap();
    assert!(n.object.metadata.is_absent());
    assert_eq!(n.object.title.as_deref(), Some("Launch"));
    assert_eq!(listed(n.unfit()), [("/metadata", "an object", json!([]))]);
}

#[test]
fn scopes_in_one_string_are_one_item() {
    let n: Notification<Grant> = read(case!("F4-N27-grant-scope-one-string")).unwrap();
    assert_eq!(*n.object.scope, ["openid email profile"]);
    assert_eq!(n.object.code, Some(25014));
}

#[test]
fn a_size_in_a_string_is_a_number() {
    let n: Notification<Message> = read(case!("F4-N30-attachment-size-text")).unwrap();
    assert_eq!(n.object.attachments[0].size, Some(1024));
    assert!(n.unfit().is_empty());
}

#[test]
fn a_null_among_recipients_is_taken_out() {
    let n: Notification<Message> = read(case!("F4-N31b-to-has-null-entry")).unwrap();
    let [recipient] = &*n.object.to else { panic!() };
    assert_eq!(recipient.email.as_deref(), Some("a@x.example"));
    assert_eq!(listed(n.unfit()), [("/to/0", "an object", json!(null))]);
}

#[test]
fn a_number_for_an_id_is_its_text() {
    let n: Notification<Message> = read(case!("F4-V11-message-id-number")).unwrap();
    assert_eq!((&*n.object.id, n.id()), ("42", Some("1")));
    let huge = r#"{"type":"message.created","data":{"object":{"id":184467440737095516160,"grant_id":"g"}}}"#;
    let n: Notification<Message> = read(huge).unwrap();
    assert_eq!(n.object.id, "184467440737095516160");
}

#[test]
fn the_grant_id_may_be_beside_the_object() {
    let n: Notification<Message> = read(case!("F5-N07-grant-id-beside-object")).unwrap();
    assert_eq!((&*n.object.id, &*n.object.grant_id), ("m-2", "g-1"));
    assert!(n.unfit().is_empty() && n.object.extra.is_empty());
    let n: Notification<Object> = read(case!("F5-N07-grant-id-beside-object")).unwrap();
    assert!(matches!(n.object, Object::Message(message) if message.grant_id == "g-1"));
}

#[test]
fn an_object_without_its_ids_is_unknown() {
    let body = case!("F5-N08a-all-null-and-bare-object");
    let n: Notification<Object> = read(body).unwrap();
    assert_eq!(n.object, Object::Unknown(json!({"object": "message"})));
    assert_eq!(
        (n.id(), n.time(), n.attempt(), n.grant_id()),
        (None, None, None, None)
    );
    assert_eq!(n.trigger().to_string(), "message.created");
    let n: Notification = read(body).unwrap();
    assert_eq!(n.object, json!({"object": "message"}));
    let malformed = read::<Message>(body).unwrap_err();
    let reason = MalformedReason::MissingField {
        field: "id".to_owned(),
        path: "/data/object".to_owned(),
    };
    assert_eq!(*malformed.reason(), reason);
}

#[test]
fn the_members_of_an_object_may_be_in_data() {
    let body = case!("F5-N10a-notetaker-fields-directly-in-data");
    let n: Notification<Object> = read(body).unwrap();
    assert_eq!(n.object, Object::Unknown(Value::Null));
    assert_eq!(n.data_extra()["id"], "nt-1");
    assert_eq!(n.data_extra()["meeting_state"], "recording_active");
    assert_eq!(n.grant_id().as_deref(), Some("g-1"));
    assert_eq!(n.raw_object(), None);
    let n: Notification = read(body).unwrap();
    assert_eq!(n.object, Value::Null);
    let malformed = read::<Notetaker>(body).unwrap_err();
    assert_eq!(
        malformed.reason().to_string(),
        "the field `object` is missing at /data"
    );
}

#[test]
fn data_may_be_missing_or_empty_or_no_object() {
    for body in [case!("F5-V1-no-data"), case!("F5-V3-data-empty")] {
        let n: Notification = read(body).unwrap();
        assert_eq!(
            (n.trigger().to_string(), n.id()),
            ("x.y".to_owned(), Some("1"))
        );
        assert_eq!((&n.object, n.unfit()), (&Value::Null, &[][..]));
        assert_eq!(
            read::<Object>(body).unwrap().object,
            Object::Unknown(Value::Null)
        );
        assert_eq!(read::<Option<Message>>(body).unwrap().object, None);
        assert!(read::<Message>(body).is_err());
    }
    let n: Notification = read(r#"{"type":"x.y","data":[1],"more":2}"#).unwrap();
    assert_eq!(
        (n.unfit()[0].path(), n.unfit()[0].value()),
        ("/data", &json!([1]))
    );
    assert_eq!(n.extra()["more"], 2);
    let failed = json!({"type": "message.send_failed", "data": {"reason": "no"}});
    let n: Notification<Object> = read(failed).unwrap();
    assert_eq!(n.object, Object::SendResult(Box::default()));
    assert_eq!(n.reason(), Some("no"));
}

// More of each kind.

#[test]
fn all_numbers_of_a_body_may_be_doubles_or_strings() {
    fn rewrite(value: &mut Value, number: &dyn Fn(i64) -> Value) {
        match value {
            Value::Number(own) => {
                if let Some(own) = own.as_i64() {
                    *value = number(own);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| rewrite(item, number)),
            Value::Object(members) => members.values_mut().for_each(|item| rewrite(item, number)),
            _ => {}
        }
    }

    #[allow(clippy::cast_precision_loss)] // no sample has 2^53
    let doubles = |own: i64| Value::from(own as f64);
    let strings = |own: i64| Value::from(own.to_string());
    for (name, body) in SAMPLES {
        let body: Value = serde_json::from_str(body).unwrap();
        let original: Notification<Object> = read(&body).unwrap();
        for number in [&doubles as &dyn Fn(i64) -> Value, &strings] {
            let mut body = body.clone();
            rewrite(&mut body, number);
            let n: Notification<Object> = read(&body).unwrap();
            assert_eq!(n.unfit(), [], "{name}");
            assert_eq!(
                (n.time(), n.attempt()),
                (original.time(), original.attempt()),
                "{name}"
            );
            let (read, expected) = (written(&n.object), written(&original.object));
            assert!(is_same(&expected, &read), "{name}: {read} {expected}");
        }
    }
}

#[test]
fn grant_ids_are_found_beside_an_empty_or_wrong_one_and_nowhere_else() {
    for (inside, beside, found) in [
        (json!(""), json!("g-1"), Some("g-1")),
        (json!(null), json!("g-1"), Some("g-1")),
        (json!([]), json!("g-1"), Some("g-1")),
        (json!("g-2"), json!("g-1"), Some("g-2")),
        (json!(2), json!("g-1"), Some("2")),
        (json!(""), json!(3), Some("3")),
        (json!(""), json!(""), None),
        (json!(""), json!(null), None),
        (json!({}), json!([]), None),
    ] {
        for trigger in [
            "message.created",
            "contact.updated",
            "grant.expired",
            "message.intelligence.order",
        ] {
            let mut body = changed(trigger, &json!({"grant_id": inside}));
            body["data"]["grant_id"] = beside.clone();
            let n: Notification<Object> = read(&body).unwrap();
            let own = match &n.object {
                Object::Message(object) => Some(&*object.grant_id),
                Object::Contact(object) => Some(&*object.grant_id),
                Object::Grant(object) => Some(&*object.grant_id),
                Object::Intelligence(object) => Some(&*object.grant_id),
                Object::Unknown(value) => {
                    assert_eq!(*value, body["data"]["object"]);
                    None
                }
                other => panic!("{other:?}"),
            };
            assert_eq!(own, found, "{trigger} {inside} {beside}");
        }
    }
    let mut body = changed("message.created", &json!({"grant_id": ""}));
    assert_eq!(read::<Value>(&body).unwrap().grant_id(), None);
    body["data"]["grant_id"] = json!("");
    body["data"]["object"]["grant_id"] = json!("g");
    assert_eq!(
        read::<Value>(&body).unwrap().grant_id().as_deref(),
        Some("g")
    );
}

#[test]
fn parts_without_ids_need_not_be_there() {
    let mut body = sample("booking.created");
    body["data"]["object"]["booking_info"] = json!("soon");
    let n: Notification<Booking> = read(&body).unwrap();
    assert_eq!(n.object.booking_info.title, None);
    assert!(n.object.booking_ref.is_some());
    assert_eq!(
        listed(n.unfit()),
        [("/booking_info", "an object", json!("soon"))]
    );

    let mut body = sample("message.transactional.bounced");
    body["data"]["object"]
        .as_object_mut()
        .unwrap()
        .remove("bounce");
    let n: Notification<MessageBounced> = read(&body).unwrap();
    assert!(n.object.message.id.is_some() && n.object.bounce.recipients.is_empty());

    let mut body = sample("message.delivered");
    body["data"]["object"]
        .as_object_mut()
        .unwrap()
        .remove("message");
    let n: Notification<Object> = read(&body).unwrap();
    assert_eq!(n.object.type_name(), "Unknown", "it has no id");
    assert!(read::<MessageDelivered>(&body).is_err());
}

#[test]
fn when_an_event_takes_place_is_mended_or_kept() {
    let when = |when: Value| {
        let n: Notification<Event> =
            read(changed("event.created", &json!({"when": when}))).unwrap();
        let listed: Vec<_> = n
            .unfit()
            .iter()
            .map(|unfit| unfit.path().to_owned())
            .collect();
        (n.object.when, listed.join(" "))
    };
    // A value elsewhere that does not fit, without which nothing is read leniently.
    let unfit = json!({"object": "timespan", "start_time": "1790341800", "end_time": 1_790_345_400.0, "start_timezone": 7});
    let mut body = changed("event.created", &json!({"when": unfit}));
    body["data"]["object"]["busy"] = json!("yes");
    let n: Notification<Event> = read(&body).unwrap();
    let Some(When::Timespan(span)) = &n.object.when else {
        panic!("{:?}", n.object.when)
    };
    assert_eq!(
        (span.start_time, span.end_time),
        (1_790_341_800, 1_790_345_400)
    );
    assert_eq!(span.start_timezone.as_deref(), Some("7"));
    assert_eq!(listed(n.unfit()), [("/busy", "a boolean", json!("yes"))]);

    body["data"]["object"]["when"] =
        json!({"object": "time", "time": 7, "timezone": ["UTC"], "more": [1]});
    let n: Notification<Event> = read(&body).unwrap();
    let Some(When::Time(moment)) = &n.object.when else {
        panic!("{:?}", n.object.when)
    };
    assert_eq!((moment.time, &moment.timezone), (7, &None));
    assert_eq!(moment.extra["more"], json!([1]));
    let mut unfit = listed(n.unfit());
    unfit.sort_by_key(|(path, ..)| *path);
    assert_eq!(unfit[1], ("/when/timezone", "a string", json!(["UTC"])));

    // Alone it is kept as it came.
    for kept in [
        json!({"object": "date"}),
        json!({"object": 7}),
        json!("soon"),
        json!([]),
    ] {
        assert_eq!(when(kept.clone()), (Some(When::Other(kept)), String::new()));
    }
}

#[test]
fn a_member_with_two_spellings_is_read() {
    let renamed = |members: Value| {
        let mut body = sample("message.bounce_detected");
        body["data"]["object"]["origin"] = members;
        let n: Notification<BounceDetected> = read(&body).unwrap();
        let listed = format!("{:?}", listed(n.unfit()));
        let origin = n.object.origin.unwrap();
        (origin.mime_id.unwrap(), origin.extra.len(), listed)
    };
    let nothing = "[]".to_owned();
    assert_eq!(
        renamed(json!({"mimeId": "m-1"})),
        ("m-1".to_owned(), 0, nothing.clone())
    );
    assert_eq!(
        renamed(json!({"mime_id": "m-1"})),
        ("m-1".to_owned(), 0, nothing)
    );
    let (mime_id, _, both) = renamed(json!({"mimeId": "m-1", "mime_id": "m-2"}));
    assert_eq!(mime_id, "m-1");
    assert!(
        both.contains("/origin/mime_id") && both.contains("m-2"),
        "{both}"
    );
}

#[test]
fn an_alert_has_its_type() {
    let n: Notification<Alert> = read(sample("alert.triggered")).unwrap();
    assert_eq!(n.grant_id(), None, "it is always empty");
    let alert = &n.object;
    assert_eq!(alert.id, "b7c2e1d4-55aa-4c61-8f0e-2f4f3d9b6a70");
    assert_eq!(
        (alert.notification_seq, alert.started_at),
        (Some(2), Some(1_792_913_400))
    );
    let rule = alert.rule.as_ref().unwrap();
    assert_eq!(rule.metric.as_ref().unwrap().as_str(), "bounce_rate");
    assert_eq!(
        rule.threshold.as_ref().and_then(NumberOrString::as_f64),
        Some(0.05)
    );
    assert_eq!((rule.window_hours, rule.min_volume), (Some(24), Some(100)));
    assert_eq!(n.trigger().kind().as_str(), "alert.triggered");
    let n: Notification<Object> = read(sample("alert.triggered")).unwrap();
    assert_eq!(n.object.type_name(), "Alert");
}

#[test]
fn of_members_in_the_head_the_first_counts_as_for_the_router() {
    let body = r#"{"type":"folder.created","id":"n-1","type":"grant.expired","id":"n-2",
        "data":{"object":{"id":1,"name":"a","name":"b"}}}"#;
    let n: Notification<Object> = read(body).unwrap();
    assert_eq!(
        (n.trigger().to_string(), n.id()),
        ("folder.created".to_owned(), Some("n-1"))
    );
    let Object::Folder(folder) = n.object else {
        panic!()
    };
    assert_eq!((&*folder.id, folder.name.as_deref()), ("1", Some("b")));
}

#[test]
fn reasons_are_made_of_paths_and_of_what_was_expected() {
    for (object, reason) in [
        (
            json!({"id": ["s3cret"], "grant_id": "g"}),
            "the value at /data/object/id is not a string",
        ),
        (
            json!("s3cret"),
            "the value at /data/object is not an object",
        ),
        (
            json!(["s3cret"]),
            "the value at /data/object is not an object",
        ),
        (
            json!({"s3cret": 1}),
            "the field `id` is missing at /data/object",
        ),
    ] {
        let body = json!({"type": "message.created", "data": {"object": object}});
        let malformed = read::<Message>(&body).unwrap_err();
        assert_eq!(malformed.reason().to_string(), reason);
        assert!(!format!("{malformed:?}").contains("s3cret"));
    }

    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    enum Colour {
        Red,
    }
    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Mine {
        colours: BTreeMap<String, Colour>,
        parsed: Option<std::net::IpAddr>,
    }
    let body = json!({"type": "x.y", "data": {"object":
        {"colours": {"s3cret@mail.example": "s3cret", "b": "Red"}, "parsed": "s3cret"}}});
    let n: Notification<Mine> = read(&body).unwrap();
    assert_eq!(n.object.colours.keys().collect::<Vec<_>>(), ["b"]);
    let shown = format!("{:?} {}", n.unfit(), n.unfit()[0]);
    assert!(!shown.contains("s3cret"), "{shown}");
    assert!(shown.contains("one of `Red`"), "{shown}");
    assert_eq!(n.unfit().len(), 2);
}

// Every sample, every path, every other kind of value.

fn written(object: &impl Serialize) -> Value {
    without_nulls(serde_json::to_value(object).unwrap())
}

fn accounts_for_all(original: &Value, base: &str, object: &impl Serialize, unfit: &[Unfit]) {
    let taken_out = unfit.iter().map(|unfit| (unfit.path(), unfit.value()));
    let read = serde_json::to_value(object).unwrap();
    tower_nylas_kit::accounting::accounts_for_all(original, base, read, taken_out.collect());
}

/// A value of each kind in the place of another.
fn others(own: &Value) -> Vec<Value> {
    let one_item = match own {
        Value::Array(items) => items.first().cloned().unwrap_or_default(),
        other => json!([other]),
    };
    vec![
        json!("of tomorrow"),
        json!("7"),
        json!(7),
        json!(7.0),
        json!(0.5),
        json!(true),
        Value::Null,
        json!([]),
        json!({}),
        json!([null]),
        json!({"of": "tomorrow"}),
        one_item,
        json!(u64::MAX),
    ]
}

/// Ids that a type needs. Those in `data` are not in samples of these types.
fn is_required_id(type_name: &str, pointer: &str) -> bool {
    match type_name {
        "Booking" => matches!(pointer, "/booking_id" | "/configuration_id"),
        "Alert" | "Calendar" | "Event" | "EventDeleted" | "Folder" | "Notetaker" => {
            pointer == "/id"
        }
        "Contact" | "ContactDeleted" | "Message" | "MessageDeleted" => {
            matches!(pointer, "/id" | "/grant_id")
        }
        "Grant" | "LegacyTracking" => pointer == "/grant_id",
        "Intelligence" => matches!(pointer, "/grant_id" | "/fetched_email_id"),
        "LinkClicked" | "MessageOpened" | "ThreadReplied" => pointer == "/message_id",
        _ => false,
    }
}

#[test]
fn any_value_of_any_sample_may_be_of_another_kind() {
    let (mut replaced, mut refused_at_once, mut unknown) = (0, 0, 0);
    for (name, body) in SAMPLES {
        let body: Value = serde_json::from_str(body).unwrap();
        let original: Notification<Object> = read(&body).unwrap();
        let type_name = original.object.type_name();
        for pointer in pointers(&body["data"]["object"]) {
            let own = body["data"]["object"].pointer(&pointer).unwrap();
            for other in others(own) {
                let mut body = body.clone();
                let object = &mut body["data"]["object"];
                object.pointer_mut(&pointer).unwrap().clone_from(&other);
                let object = object.clone();
                let what = format!("{name} {pointer} {other}");
                replaced += 1;

                let n: Notification<Object> = read(&body).expect(&what);
                if n.object.type_name() == type_name {
                    assert!(n.unfit().len() <= 1, "{what}: {:?}", n.unfit());
                } else {
                    unknown += 1;
                    assert!(
                        pointer.is_empty() || is_required_id(type_name, &pointer),
                        "{what}"
                    );
                    assert!(
                        !other.is_string() && !other.is_number() || pointer.is_empty(),
                        "{what}"
                    );
                    assert_eq!(n.object, Object::Unknown(object.clone()));
                    assert!(n.unfit().is_empty(), "{what}");
                }
                if object.is_null() {
                    continue;
                }
                refused_at_once += usize::from(!fits_at_once(type_name, &object));
                accounts_for_all(&object, "/data/object", &n.object, n.unfit());
                let raw: Value = serde_json::from_slice(n.raw_object().unwrap()).unwrap();
                assert_eq!(raw, object, "{what}");
            }
        }
    }
    println!("{replaced} replacements: {refused_at_once} do not fit at once, {unknown} lack an id");
    assert!(refused_at_once > replaced / 3);
}

fn fits_at_once(type_name: &str, object: &Value) -> bool {
    let text = object.to_string();
    macro_rules! by_name {
        ($($name:ident)+) => {
            match type_name {
                $(stringify!($name) => {
                    serde_json::from_str::<tower_nylas::notification::object::$name>(&text).is_ok()
                })+
                _ => panic!("{type_name}"),
            }
        };
    }
    by_name!(
        Alert Grant Message MessageDeleted SendResult BounceDetected MessageOpened LinkClicked
        ThreadReplied LegacyTracking Folder Calendar Event EventDeleted Contact ContactDeleted
        Booking Notetaker Intelligence MessageBounced MessageComplaint MessageDelivered
        MessageRejected
    )
}

#[test]
fn each_type_reads_as_the_enumeration_of_all_does() {
    fn check<T: Payload + Serialize>(trigger: &str) {
        let body = sample(trigger);
        for pointer in pointers(&body["data"]["object"]) {
            let own = body["data"]["object"].pointer(&pointer).unwrap();
            for other in others(own) {
                let mut body = body.clone();
                *body["data"]["object"].pointer_mut(&pointer).unwrap() = other;
                let any: Notification<Object> = read(&body).unwrap();
                match read::<T>(&body) {
                    Ok(n) => {
                        assert_eq!(
                            written(&n.object),
                            written(&any.object),
                            "{trigger} {pointer}"
                        );
                        assert_eq!(n.unfit(), any.unfit());
                    }
                    Err(malformed) => {
                        assert_eq!(
                            any.object.type_name(),
                            "Unknown",
                            "{trigger} {pointer}: {malformed}"
                        );
                    }
                }
            }
        }
    }
    check::<Message>("message.created");
    check::<Event>("event.updated");
    check::<Contact>("contact.updated");
    check::<Calendar>("calendar.updated");
    check::<SendResult>("message.send_failed");
    check::<MessageOpened>("message.opened");
    check::<Intelligence>("message.intelligence.order");
}

#[test]
fn two_wrong_values_are_both_taken_out() {
    let body = sample("message.created");
    let places: Vec<_> = pointers(&body["data"]["object"])
        .into_iter()
        .filter(|pointer| pointer.matches('/').count() == 3)
        .collect();
    assert!(places.len() > 10);
    for first in &places {
        for second in &places {
            let mut body = body.clone();
            for pointer in [first, second] {
                *body["data"]["object"].pointer_mut(pointer).unwrap() = json!([[true]]);
            }
            let n: Notification<Message> = read(&body).unwrap();
            assert!(n.unfit().len() <= 2);
            accounts_for_all(
                &body["data"]["object"],
                "/data/object",
                &n.object,
                n.unfit(),
            );
        }
    }
}

// Deltas.

#[test]
fn deltas_are_read_one_by_one() {
    let body = json!({"deltas": [
        {"date": "7", "type": "event.created", "object_data": {"id": 1, "attributes": []}},
        "no delta",
        {"type": {}, "object": "message"},
        null,
    ], "more": 1});
    let deltas = Deltas::from_slice(body.to_string().as_bytes()).unwrap();
    assert_eq!(deltas.deltas.len(), 2);
    assert_eq!(deltas.deltas[0].date, Some(7));
    assert_eq!(
        deltas.deltas[0].object_data.as_ref().unwrap().id.as_deref(),
        Some("1")
    );
    assert_eq!(deltas.deltas[1].object.as_deref(), Some("message"));
    assert_eq!(deltas.extra["more"], 1);
    let paths: Vec<_> = deltas.unfit().iter().map(Unfit::path).collect();
    assert_eq!(
        paths,
        [
            "/deltas/0/object_data/attributes",
            "/deltas/1",
            "/deltas/2/type",
            "/deltas/3"
        ]
    );
    accounts_for_all(&body, "", &deltas, deltas.unfit());

    let one = Deltas::from_slice(br#"{"deltas":{"date":7,"type":[]}}"#).unwrap();
    assert_eq!(
        (one.deltas[0].date, one.unfit()[0].path()),
        (Some(7), "/deltas/type")
    );
    for (no_deltas, reason) in [
        ("[]", "it is not an object"),
        (r#"{"deltas":7}"#, "the value at /deltas is not a list"),
        ("{", "its JSON ends too early at line 1 column 1"),
        ("{]", "it is not JSON at line 1 column 2"),
    ] {
        let refused = Deltas::from_slice(no_deltas.as_bytes()).unwrap_err();
        assert_eq!(refused.to_string(), reason);
    }
}

#[test]
fn any_value_of_any_delta_may_be_of_another_kind() {
    for (_, sample) in include!("../../src/testing/samples/v2/all.rs") {
        let body: Value = serde_json::from_str(sample).unwrap();
        for pointer in pointers(&body) {
            if pointer.is_empty() {
                continue;
            }
            for other in others(body.pointer(&pointer).unwrap()) {
                let mut body = body.clone();
                body.pointer_mut(&pointer).unwrap().clone_from(&other);
                let read = Deltas::from_slice(body.to_string().as_bytes());
                if pointer == "/deltas"
                    && (other.is_string() || other.is_number() || other.is_boolean())
                {
                    assert!(read.is_err(), "{other}");
                    continue;
                }
                let deltas = read.unwrap();
                assert!(deltas.unfit().len() <= 1, "{pointer}");
                accounts_for_all(&body, "", &deltas, deltas.unfit());
            }
        }
    }
}

// Types of one's own.

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Own {
    name: String,
    count: u8,
    ratio: Option<f32>,
    #[serde(default)]
    flag: bool,
    #[serde(default)]
    tags: HashSet<String>,
    nested: Option<Nested>,
    #[serde(default)]
    list: Vec<Nested>,
    #[serde(default)]
    by_number: BTreeMap<u64, Option<i64>>,
    pair: Option<(Option<i64>, String)>,
    kind: Option<Kind>,
    #[serde(rename = "new-type")]
    new_type: Option<NewType>,
    letter: Option<char>,
    any: Option<Value>,
    #[serde(deserialize_with = "or_none")]
    lenient: Option<u32>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Nested {
    required: i16,
    optional: Option<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Small,
    Large,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct NewType(i64);

/// As many write it to survive a wrong type.
fn or_none<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    Ok(u32::deserialize(deserializer).ok())
}

fn own() -> Value {
    json!({"type": "x.y", "data": {"grant_id": "g", "object": {
        "name": "n", "count": 3, "ratio": 0.5, "flag": true, "tags": ["t"],
        "nested": {"required": 1, "optional": "o"},
        "list": [{"required": 2, "optional": null}, {"required": 3, "optional": "p"}],
        "by_number": {"7": 8}, "pair": [1, "p"], "kind": "small", "new-type": 4, "letter": "x",
        "any": {"a": [1]}, "lenient": 5,
    }}})
}

#[test]
fn any_value_of_a_type_of_ones_own_may_be_of_another_kind() {
    let body = own();
    let original: Notification<Own> = read(&body).unwrap();
    assert_eq!(original.unfit(), []);
    let mut taken_out = 0;
    for pointer in pointers(&body["data"]["object"]) {
        let own = body["data"]["object"].pointer(&pointer).unwrap();
        for other in others(own) {
            let mut body = body.clone();
            let object = &mut body["data"]["object"];
            object.pointer_mut(&pointer).unwrap().clone_from(&other);
            let what = format!("{pointer} {other}");
            match read::<Own>(&body) {
                Ok(n) => {
                    let member = pointer.split('/').nth(1).unwrap();
                    assert_eq!(
                        rest(&n.object, member),
                        rest(&original.object, member),
                        "{what}"
                    );
                    assert!(n.unfit().len() <= 1, "{what} {:?}", n.unfit());
                    for unfit in n.unfit() {
                        assert_eq!(body.pointer(unfit.path()), Some(unfit.value()), "{what}");
                        taken_out += 1;
                    }
                }
                Err(malformed) => {
                    let needed = ["", "/name", "/count"].contains(&&*pointer);
                    assert!(needed, "{what}: {malformed}");
                    let reason = malformed.reason().to_string();
                    let place = format!("/data/object{pointer}");
                    assert!(reason.contains(&place), "{what}: {reason}");
                }
            }
        }
    }
    assert!(taken_out > 100, "{taken_out}");
}

/// All members but one.
fn rest(own: &Own, member: &str) -> Value {
    let mut own = serde_json::to_value(own).unwrap();
    assert!(
        own.as_object_mut().unwrap().remove(member).is_some(),
        "{member}"
    );
    own
}

#[test]
fn what_holds_a_value_that_it_needs_goes_with_it() {
    let mut body = own();
    body["data"]["object"]["list"][1]["required"] = json!("soon");
    body["data"]["object"]["list"][1]["optional"] = json!([]);
    body["data"]["object"]["nested"]["required"] = json!(70_000);
    let n: Notification<Own> = read(&body).unwrap();
    assert_eq!(n.object.nested, None);
    assert_eq!(n.object.list.len(), 1);
    let unfit: BTreeMap<_, _> = n
        .unfit()
        .iter()
        .map(|unfit| (unfit.path(), unfit.value()))
        .collect();
    let expected = BTreeMap::from([
        ("/data/object/list/1", &body["data"]["object"]["list"][1]),
        ("/data/object/nested", &body["data"]["object"]["nested"]),
    ]);
    assert_eq!(unfit, expected);
}

#[test]
fn where_a_path_is_not_known_the_object_does_not_fit_or_the_value_goes_as_a_whole() {
    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Flattened {
        id: String,
        #[serde(flatten)]
        inner: Nested,
    }
    #[derive(Debug, Deserialize)]
    #[serde(untagged)]
    #[allow(dead_code)]
    enum Untagged {
        A { a: i64 },
        B(String),
    }
    #[derive(Debug, Deserialize)]
    #[serde(tag = "is")]
    #[allow(dead_code)]
    enum Tagged {
        A { a: Option<i64> },
    }
    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Holds {
        untagged: Option<Untagged>,
        tagged: Vec<Tagged>,
    }

    let with = |object: Value| json!({"type": "x.y", "data": {"object": object}});
    let fits = with(json!({"id": 1, "required": 2}));
    assert_eq!(read::<Flattened>(&fits).unwrap().object.inner.required, 2);
    let unfit = with(json!({"id": "i", "required": "2"}));
    assert!(read::<Flattened>(&unfit).is_err());
    let holds = with(json!({
        "untagged": {"a": []},
        "tagged": [{"is": "A", "a": 1}, {"is": "A", "a": []}, {"is": "B"}, 7],
    }));
    let n: Notification<Holds> = read(&holds).unwrap();
    assert!(n.object.untagged.is_none());
    assert_eq!(n.object.tagged.len(), 1);
    let mut paths: Vec<_> = listed(n.unfit())
        .into_iter()
        .map(|(path, ..)| path)
        .collect();
    paths.sort_unstable();
    assert_eq!(paths, ["/tagged/1", "/tagged/2", "/tagged/3", "/untagged"]);
}

#[test]
fn a_list_of_itself_is_not_made_of_one_item_for_ever() {
    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Lists(Vec<Lists>);
    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Own {
        lists: Option<Lists>,
    }
    for value in [json!(7), json!([[7]]), json!({})] {
        let body = json!({"type": "x.y", "data": {"object": {"lists": value}}});
        let n: Notification<Own> = read(&body).unwrap();
        assert_eq!(n.unfit().len(), 1, "{:?}", n.unfit());
    }
}

#[test]
fn a_type_may_be_lenient_by_itself() {
    let mut body = own();
    body["data"]["object"]["lenient"] = json!("soon");
    assert_eq!(read::<Own>(&body).unwrap().object.lenient, None);
    body["data"]["object"]["flag"] = json!("yes");
    let n: Notification<Own> = read(&body).unwrap();
    assert_eq!((n.object.lenient, n.object.flag), (None, false));
    assert_eq!(n.object.name, "n");
}

#[test]
fn types_of_serde_json_are_read_as_they_are() {
    #[derive(Debug, Deserialize)]
    struct Raw {
        raw: Box<serde_json::value::RawValue>,
        number: serde_json::Number,
        id: String,
    }
    let body = r#"{"type":"x.y","data":{"object":{"raw":{"a": [1]},"number":0.5,"id":7}}}"#;
    let n: Notification<Raw> = read(body).unwrap();
    assert_eq!(
        (n.object.raw.get(), n.object.id.as_str()),
        (r#"{"a":[1]}"#, "7")
    );
    assert_eq!(n.object.number.as_f64(), Some(0.5));
}

// Extractors of axum.

#[cfg(feature = "axum")]
#[tokio::test]
async fn axums_extractors_read_the_same() {
    use std::sync::{Arc, Mutex};

    use axum::routing::{MethodRouter, post};
    use tower::ServiceExt;
    use tower_nylas::{Secrets, WebhookLayer, WebhookSecret};

    let secret = "an-invented-secret";
    let seen = Arc::new(Mutex::new(None));
    let by_handler = seen.clone();
    let handler: MethodRouter = post(async move |n: Notification<Object>| {
        *by_handler.lock().unwrap() = Some((n.object.clone(), n.unfit().to_vec()));
    });
    let service = WebhookLayer::new(Secrets::new(secret).unwrap()).layer(handler);
    for (name, body) in SAMPLES {
        let mut body: Value = serde_json::from_str(body).unwrap();
        let object = body["data"]["object"].as_object_mut().unwrap();
        for member in object.values_mut().filter(|member| member.is_boolean()) {
            *member = json!([]);
        }
        for member in object.values_mut().filter(|member| member.is_number()) {
            *member = json!(member.to_string());
        }
        let directly: Notification<Object> = read(&body).unwrap();
        let request =
            testing::signed_request(&WebhookSecret::new(secret).unwrap(), body.to_string());
        let response = service.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200, "{name}");
        let (object, unfit) = seen.lock().unwrap().take().expect(name);
        assert_eq!(
            (object, &*unfit),
            (directly.object.clone(), directly.unfit()),
            "{name}"
        );
    }
}

// What a hostile body costs.

/// Reads it, and checks how much memory it takes at most, and how often, in relation to its length
/// and to the number of its values.
fn bounded<T: Payload>(body: String, values: usize) -> Result<Notification<T>, Malformed> {
    let length = body.len();
    let body = testing::verified(body);
    let mut read = None;
    let cost = allocation_counter::measure(|| read = Some(Notification::<T>::try_from(body)));
    let bytes = usize::try_from(cost.bytes_max).unwrap();
    let count = usize::try_from(cost.count_total).unwrap();
    assert!(
        bytes < 60 * length + (8 << 20),
        "{bytes} bytes for a body of {length}"
    );
    assert!(
        count < 100 * values + 10_000,
        "{count} allocations for {values} values"
    );
    read.unwrap()
}

fn with_object(trigger: &str, object: &str) -> String {
    format!(r#"{{"type":"{trigger}","id":"n-1","data":{{"object":{object}}}}}"#)
}

#[test]
fn ten_thousand_wrong_values_cost_no_more_than_they_are_long() {
    const MANY: usize = 10_000;
    for (members, expected) in [
        (r#""to":[%]"#, "true,"),
        (r#""to":[%]"#, "[],"),
        (r#""to":[%]"#, r#"{"email":[],"name":{}},"#),
        (r#""folders":[%]"#, "null,"),
        (r#""attachments":[%]"#, r#"{"size":"1e999"},"#),
        (r#""attachments":[%]"#, r#"{"size":1e999},"#),
    ] {
        let list = expected.repeat(MANY);
        let members = members.replace('%', list.trim_end_matches(','));
        let object = format!(r#"{{"id":7,"grant_id":"g","unread":true,{members}}}"#);
        let n = bounded::<Message>(with_object("message.created", &object), 4 * MANY).unwrap();
        assert_eq!((&*n.object.id, n.object.unread), ("7", Some(true)));
        assert!(n.unfit().len() >= MANY, "{members:.40} {}", n.unfit().len());
    }
    let list = r#"{"opened_id":[]},"#.repeat(MANY);
    let object = format!(
        r#"{{"message_id":"m","recents":[{}]}}"#,
        list.trim_end_matches(',')
    );
    let n = bounded::<MessageOpened>(with_object("message.opened", &object), 2 * MANY).unwrap();
    assert_eq!((n.object.recents.len(), n.unfit().len()), (MANY, MANY));

    let deltas = r#"{"date":[],"object_data":{"id":7}},"#.repeat(MANY);
    let body = format!(r#"{{"deltas":[{}]}}"#, deltas.trim_end_matches(','));
    let deltas = Deltas::from_slice(body.as_bytes()).unwrap();
    assert_eq!((deltas.deltas.len(), deltas.unfit().len()), (MANY, MANY));
}

#[test]
fn values_that_only_their_type_can_refuse_take_their_member_with_them() {
    const MANY: usize = 10_000;
    #[derive(Debug, Deserialize)]
    struct Own {
        id: String,
        #[serde(default)]
        kinds: Vec<Kind>,
        #[serde(default)]
        by_name: BTreeMap<String, Kind>,
    }
    let few = with_object("x.y", r#"{"id":7,"kinds":["small","no","large","no"]}"#);
    let n = bounded::<Own>(few, 10).unwrap();
    assert_eq!((n.object.kinds.len(), n.unfit().len()), (2, 2));
    let kinds = r#""no","#.repeat(MANY);
    let names: Vec<_> = (0..MANY).map(|at| format!(r#""n{at}":7"#)).collect();
    let object = format!(
        r#"{{"id":7,"kinds":[{}],"by_name":{{{}}}}}"#,
        kinds.trim_end_matches(','),
        names.join(",")
    );
    let n = bounded::<Own>(with_object("x.y", &object), 3 * MANY).unwrap();
    assert_eq!(
        (&*n.object.id, n.object.kinds.len(), n.object.by_name.len()),
        ("7", 0, 0)
    );
    let paths: Vec<_> = listed(n.unfit())
        .into_iter()
        .map(|(path, ..)| path)
        .collect();
    assert!(
        paths.contains(&"/kinds") && paths.contains(&"/by_name"),
        "{}",
        paths.len()
    );

    // Members of the object itself: in the end it does not fit.
    let object = format!("{{{}}}", names.join(","));
    let refused = bounded::<BTreeMap<String, Kind>>(with_object("x.y", &object), 3 * MANY);
    let reason = refused.unwrap_err().reason().to_string();
    assert_eq!(
        reason,
        "the value at /data/object is not what its type takes"
    );
}

#[test]
fn long_names_before_many_wrong_values_cost_no_more_than_they_are_long() {
    let name = "n".repeat(1 << 20);
    let object = format!(r#"{{"{name}":[{}0]}}"#, "true,".repeat(20_000));
    let body = with_object("x.y", &object);
    let n = bounded::<BTreeMap<String, Vec<i64>>>(body, 40_000).unwrap();
    assert!(n.object.values().all(Vec::is_empty) || n.object.is_empty());
    assert!(n.unfit().len() < 10);
}

#[test]
fn four_mebibytes_and_depth_are_bounded() {
    let object = |list: &str| format!(r#"{{"id":7,"grant_id":"g","extra":{list}}}"#);
    let many = format!("[{}0]", "[],".repeat((4 << 20) / 3));
    let n = bounded::<Message>(with_object("message.created", &object(&many)), 1 << 20).unwrap();
    assert_eq!(
        n.object.extra["extra"].as_array().unwrap().len(),
        (4 << 20) / 3 + 1
    );
    let text = object(&format!("\"{}\"", "\u{1}".repeat(4 << 20)));
    assert!(bounded::<Message>(with_object("message.created", &text), 10).is_ok());

    // The body's own levels count.
    let nested = |depth: usize| object(&format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
    assert!(bounded::<Message>(with_object("message.created", &nested(124)), 200).is_ok());
    for depth in [125, 1 << 20] {
        let refused = bounded::<Message>(with_object("message.created", &nested(depth)), 200);
        assert_eq!(*refused.unwrap_err().reason(), MalformedReason::TooDeep);
    }
    let refused = bounded::<Message>(with_object("message.created", &"[".repeat(4 << 20)), 200);
    assert_eq!(*refused.unwrap_err().reason(), MalformedReason::TooDeep);
}

#[test]
fn a_wrong_member_of_a_single_item_has_its_path_in_the_body() {
    let body = changed(
        "message.link_clicked",
        &json!({"link_data": {"url": "u", "count": 0.5}}),
    );
    let n: Notification<LinkClicked> = read(&body).unwrap();
    assert_eq!(n.object.link_data[0].url.as_deref(), Some("u"));
    let expected = "a whole number that fits i64";
    assert_eq!(
        listed(n.unfit()),
        [("/link_data/count", expected, json!(0.5))]
    );
    accounts_for_all(
        &body["data"]["object"],
        "/data/object",
        &n.object,
        n.unfit(),
    );
}

#[test]
fn a_type_that_is_a_number_out_of_range_is_no_name() {
    let body = r#"{"type":18446744073709551616,"data":{"object":{"id":7}}}"#;
    let malformed = read::<Value>(body).unwrap_err();
    assert_eq!(*malformed.reason(), MalformedReason::TypeNotString);
}
