//! Faults in the envelope, in names, in several places at once, and in types as users write them.

// Types as users write them, each beside the test that reads it.
#![allow(clippy::items_after_statements, clippy::needless_pass_by_value)]

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Debug,
};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tower_nylas::{
    MalformedReason, Notification,
    notification::{
        Deltas, Envelope, Malformed, Payload, Unfit,
        object::{Event, Message, Object, When},
    },
    testing::{self, SAMPLES},
};
use tower_nylas_kit::accounting::accounts_for_all;

fn read<T: Payload>(body: impl Into<Vec<u8>>) -> Result<Notification<T>, Malformed> {
    testing::verified(body.into()).try_into()
}

/// Reads an object of a trigger without a type of its own.
fn own<T: DeserializeOwned + Send + 'static>(object: &Value) -> Result<Notification<T>, Malformed> {
    read(json!({"type": "x.y", "data": {"object": object}}).to_string())
}

/// Paths, what was expected, and values.
fn listed(unfit: &[Unfit]) -> Vec<(&str, &str, &Value)> {
    let listed = |unfit| Unfit::path(unfit);
    let mut all: Vec<_> = unfit
        .iter()
        .map(|unfit| (listed(unfit), unfit.expected(), unfit.value()))
        .collect();
    all.sort_by_key(|(path, ..)| *path);
    all
}

fn paths(unfit: &[Unfit]) -> Vec<&str> {
    listed(unfit).into_iter().map(|(path, ..)| path).collect()
}

/// The notification as it was read, without its object.
fn written<T>(n: &Notification<T>, object: Value) -> Value {
    let mut data = n.data_extra().clone();
    data.insert("object".to_owned(), object);
    let mut body = n.extra().clone();
    body.insert("type".to_owned(), n.trigger().to_string().into());
    for (name, value) in [
        ("id", json!(n.id())),
        ("source", json!(n.source())),
        ("specversion", json!(n.specversion())),
        ("time", json!(n.time())),
        ("webhook_delivery_attempt", json!(n.attempt())),
    ] {
        if !value.is_null() {
            body.insert(name.to_owned(), value);
        }
    }
    if let Some(application_id) = n.application_id() {
        data.insert("application_id".to_owned(), application_id.into());
    }
    // `grant_id()` looks in the object, too.
    let sent: Value = serde_json::from_slice(n.body().bytes()).unwrap();
    if let Some(grant_id) = sent["data"].get("grant_id") {
        let is_text = grant_id.is_string() || grant_id.is_number();
        if is_text {
            data.insert("grant_id".to_owned(), grant_id.clone());
        }
    }
    body.insert("data".to_owned(), Value::Object(data));
    Value::Object(body)
}

#[test]
fn every_value_of_the_envelope_is_read_or_listed() {
    let others = [
        json!("soon"),
        json!("7"),
        json!(7),
        json!(7.0),
        json!(0.5),
        json!(-1),
        json!(true),
        json!(null),
        json!([]),
        json!({}),
        json!([null]),
        json!({"a": [1]}),
        json!(u64::MAX),
        json!(""),
        json!(1e300),
        json!(i64::MIN),
    ];
    let mut count = 0;
    for name in ["message.created", "grant.expired", "alert.triggered"] {
        let sample: Value = serde_json::from_str(testing::sample(name).unwrap()).unwrap();
        for path in [
            "/id",
            "/source",
            "/specversion",
            "/time",
            "/webhook_delivery_attempt",
            "/data/application_id",
            "/data/grant_id",
            "/more",
            "/data/more",
        ] {
            for other in &others {
                let mut body = sample.clone();
                let (parent, member) = path.rsplit_once('/').unwrap();
                body.pointer_mut(parent)
                    .unwrap()
                    .as_object_mut()
                    .unwrap()
                    .insert(member.to_owned(), other.clone());
                let n: Notification<Object> = read(body.to_string()).unwrap();
                let what = format!("{name} {path} {other}");
                assert!(n.unfit().len() <= 1, "{what} {:?}", n.unfit());
                let taken_out = n.unfit().iter().map(|u| (u.path(), u.value())).collect();
                accounts_for_all(
                    &body,
                    "",
                    written(&n, serde_json::to_value(&n.object).unwrap()),
                    taken_out,
                );
                let value: Notification<Value> = read(body.to_string()).unwrap();
                assert_eq!(value.unfit(), n.unfit());
                let envelope = Envelope::peek(n.body()).unwrap();
                assert_eq!(
                    (envelope.id(), envelope.time(), envelope.attempt()),
                    (n.id(), n.time(), n.attempt()),
                    "{what}"
                );
                count += n.unfit().len();
            }
        }
    }
    assert!(count > 100, "{count}");
}

#[test]
fn faults_of_the_envelope_are_listed_with_what_was_expected() {
    let body = br#"{"type":"message.created","id":true,"time":"soon","source":[7],"specversion":{},
        "webhook_delivery_attempt":-1,"data":{"application_id":false,"grant_id":["g"],
        "object":{"id":"m","grant_id":"g","date":[]}}}"#;
    let n: Notification<Message> = read(&body[..]).unwrap();
    assert_eq!(
        listed(n.unfit()),
        [
            ("/data/application_id", "a string", &json!(false)),
            ("/data/grant_id", "a string", &json!(["g"])),
            (
                "/data/object/date",
                "a whole number that fits i64",
                &json!([])
            ),
            ("/id", "a string", &json!(true)),
            ("/source", "a string", &json!([7])),
            ("/specversion", "a string", &json!({})),
            ("/time", "a whole number that fits i64", &json!("soon")),
            (
                "/webhook_delivery_attempt",
                "a whole number that fits u32",
                &json!(-1)
            ),
        ]
    );
    assert_eq!(
        (n.id(), n.time(), n.attempt(), n.source()),
        (None, None, None, None)
    );
    // That of the object.
    assert_eq!(n.grant_id().as_deref(), Some("g"));
}

#[test]
fn numbers_of_any_size_are_ids_with_all_their_digits() {
    for (sent, id) in [
        ("18446744073709551615", "18446744073709551615"),
        ("99999999999999999998", "99999999999999999998"),
        ("-99999999999999999998", "-99999999999999999998"),
        ("1e999", "1e999"),
        ("-0", "-0.0"),
        ("7.0", "7.0"),
    ] {
        let body = testing::verified(format!(
            r#"{{"type":"x.y","id":{sent},"data":{{"grant_id":{sent},"object":{{"id":{sent}}}}}}}"#
        ));
        let n: Notification = body.clone().try_into().unwrap();
        let digits = if n.object["id"].is_string() {
            json!(id)
        } else {
            serde_json::from_str(sent).unwrap()
        };
        assert_eq!(
            (n.id(), n.grant_id().as_deref(), &n.object["id"]),
            (Some(id), Some(id), &digits)
        );
        assert_eq!(Envelope::peek(&body).unwrap().id(), Some(id));
        assert_eq!(n.unfit(), []);
    }
    let digits = "9".repeat(1 << 20);
    let n: Notification<Message> = read(format!(r#"{{"type":"message.created","time":{digits},"data":{{"object":{{"id":{digits},"grant_id":"g","date":{digits}}}}}}}"#)).unwrap();
    assert_eq!(n.object.id, digits);
    assert_eq!(paths(n.unfit()), ["/data/object/date", "/time"]);
}

#[test]
fn of_repeated_members_one_counts_and_the_others_are_listed() {
    let body = r#"{"type":"folder.created","id":"n-1","type":"x.y","data":{"object":{"id":"f-1","grant_id":"g-1"},
        "object":{"id":"f-2"},"more":1,"more":2},"data":{"object":{"id":"f-3"}},"a~/b":1,"a~/b":2,"id":null}"#;
    let n: Notification<Object> = read(body).unwrap();
    let Object::Folder(folder) = &n.object else {
        panic!()
    };
    assert_eq!(
        (&*folder.id, n.id(), n.trigger().to_string()),
        ("f-1", Some("n-1"), "folder.created".to_owned())
    );
    assert_eq!(
        n.raw_object(),
        Some(&br#"{"id":"f-1","grant_id":"g-1"}"#[..])
    );
    assert_eq!(
        (&n.extra()["a~/b"], &n.data_extra()["more"]),
        (&json!(2), &json!(2))
    );
    let expected = "the only member of its name";
    assert_eq!(
        listed(n.unfit()),
        [
            ("/a~0~1b", expected, &json!(1)),
            ("/data", expected, &json!({"object": {"id": "f-3"}})),
            ("/data/more", expected, &json!(1)),
            ("/data/object", expected, &json!({"id": "f-2"})),
            ("/id", expected, &json!(null)),
            ("/type", expected, &json!("x.y")),
        ]
    );

    let deltas = Deltas::from_slice(br#"{"deltas":[{"date":7}],"deltas":[{"date":8}]}"#).unwrap();
    assert_eq!((deltas.deltas[0].date, deltas.deltas.len()), (Some(7), 1));
    assert_eq!(
        listed(deltas.unfit()),
        [("/deltas", expected, &json!([{"date": 8}]))]
    );
}

#[test]
fn data_that_is_no_object_is_what_does_not_fit() {
    for (data, reason, unfit) in [
        ("null", "the field `data` is missing", vec![]),
        ("[1]", "the value at /data is not an object", vec!["/data"]),
        (
            "\"x\"",
            "the value at /data is not an object",
            vec!["/data"],
        ),
        ("{}", "the field `object` is missing at /data", vec![]),
        (
            r#"{"object":null}"#,
            "the value at /data/object is not an object",
            vec![],
        ),
        (
            r#"{"object":"x"}"#,
            "the value at /data/object is not an object",
            vec![],
        ),
    ] {
        let body = format!(r#"{{"type":"message.created","data":{data}}}"#);
        assert_eq!(
            read::<Message>(body.clone())
                .unwrap_err()
                .reason()
                .to_string(),
            reason
        );
        let n: Notification<Object> = read(body.clone()).unwrap();
        assert_eq!(
            (n.object.type_name(), paths(n.unfit())),
            ("Unknown", unfit.clone()),
            "{data}"
        );
        assert_eq!(paths(read::<Value>(body).unwrap().unfit()), unfit, "{data}");
    }
}

#[test]
fn names_and_types_with_faults() {
    let body = b"{\"type\":\"message.created\\ud800\",\"\\ud83d\":1,\"\xff\":2,\"\\u0000\":3,\"\":4,\"a\tb\":5,\
        \"data\":{\"\\udc00\":[1e999],\"object\":{\"\":{\"\":[]},\"a/~b\":\"\\ud83d\\ude00\\ud83d\"}}}";
    let n: Notification<Object> = read(&body[..]).unwrap();
    assert_eq!(n.trigger().to_string(), "message.created\u{fffd}");
    assert_eq!(
        Envelope::peek(n.body()).unwrap().name(),
        "message.created\u{fffd}"
    );
    assert_eq!(
        n.object,
        Object::Unknown(json!({"": {"": []}, "a/~b": "😀\u{fffd}"}))
    );
    // Two of the names are the same now.
    assert_eq!(
        *n.extra(),
        *json!({"\u{fffd}": 2, "\0": 3, "": 4, "a\tb": 5})
            .as_object()
            .unwrap()
    );
    assert_eq!(n.data_extra()["\u{fffd}"], json!(["1e999"]));
    assert_eq!(
        listed(n.unfit()),
        [("/\u{fffd}", "the only member of its name", &json!(1))]
    );

    #[derive(Deserialize)]
    struct Own {
        #[serde(rename = "a/~b")]
        slash: Option<bool>,
        #[serde(rename = "")]
        empty: HashMap<String, Option<bool>>,
    }
    let n: Notification<Own> = own(&json!({"a/~b": 7, "": {"": 7, "/": 7, "~1": true}})).unwrap();
    assert_eq!((n.object.slash, &n.object.empty["~1"]), (None, &Some(true)));
    assert_eq!(
        paths(n.unfit()),
        ["/data/object//", "/data/object//~1", "/data/object/a~1~0b"]
    );
    assert!(n.unfit().iter().all(|unfit| *unfit.value() == 7));
}

#[test]
fn what_is_no_json_is_not_made_json() {
    for body in [
        r#"{"type":"x.y","data":{"object":{}},}"#,
        r#"{"type":"x.y","data":{"object":{"a":[1,]}}}"#,
        r#"{"type":"x.y",/* "1e999 */"data":{"object":{"a":1e999}}}"#,
        "{\"type\":\"x.y\",// \"\n\"data\":{\"object\":{}}}",
        r#"{"type":"x.y","data":{"object":{"a":1e999}}} {}"#,
        r#"{"type":"x.y","data":{"object":{"a":1e999}}}x"#,
        "{\"type\":\"x.y\",\"data\":{\"object\":{\"a\":1e999}}}\0",
        "{\"type\":\"x.y\",\"data\":{\"object\":{\"a\":1e999}}}\u{feff}",
        "\u{feff}\u{feff}{\"type\":\"x.y\",\"data\":{\"object\":{}}}",
        "{\"type\":\"x.y\",\u{b}\"data\":{\"object\":{}}}",
        r#"{"type":"x.y","data":{"object":{1e999:1}}}"#,
        r#"{"type":"x.y","data":{"object":{"a":01e999}}}"#,
        r#"{"type":"x.y","data":{"object":{"a":+1e999}}}"#,
        r#"{"type":"x.y","data":{"object":{"a":1e999"b":1}}}"#,
        r#"{"type":"x.y","data":{"object":{a:1e999}}}"#,
        r#"{"type":"x.y","data":{"object":{'a':1e999}}}"#,
        r#"{"type":"x.y","data":{"object":{"a":"\x41"}}}"#,
        r#"{"type":"x.y","data":{"object":{"a":Infinity}}}"#,
        r#"{"type":"x.y","data":{"object":{"a":"\ud83d}}}"#,
        r#"{"type":"x.y","data":{"object":{"a":[1e999}]}}"#,
    ] {
        for result in [
            read::<Object>(body).map(drop),
            read::<Value>(body).map(drop),
        ] {
            let reason = result.expect_err(body).reason().clone();
            assert!(
                matches!(
                    reason,
                    MalformedReason::Syntax { .. }
                        | MalformedReason::UnexpectedEnd { .. }
                        | MalformedReason::NoType
                ),
                "{body} {reason}"
            );
        }
    }
}

#[test]
fn depth_is_that_of_the_whole_body() {
    for (depth, fits) in [(126, true), (127, true), (128, false), (129, false)] {
        let lists = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        // In the object, beside it, and around it: 3, 2 and 1 levels stand around them.
        for body in [
            format!(
                r#"{{"type":"x.y","time":"x","data":{{"object":{{"a":{}}}}}}}"#,
                lists(depth - 3)
            ),
            format!(
                r#"{{"type":"x.y","time":"x","data":{{"object":7,"a":{}}}}}"#,
                lists(depth - 2)
            ),
            format!(
                r#"{{"type":"x.y","time":{},"data":{{"object":7}}}}"#,
                lists(depth - 1)
            ),
        ] {
            let n = read::<Value>(body);
            assert_eq!(
                n.as_ref().is_ok_and(|n| paths(n.unfit()) == ["/time"]),
                fits,
                "{depth}"
            );
            if let Err(malformed) = n {
                assert_eq!(*malformed.reason(), MalformedReason::TooDeep);
            }
        }
    }
    #[derive(Debug, Deserialize)]
    struct Nested {
        #[serde(default)]
        a: Vec<Nested>,
    }
    let (open, close) = (r#"{"a":[null,"#.repeat(60), "]}".repeat(60));
    let n: Notification<Nested> = read(format!(
        r#"{{"type":"x.y","data":{{"object":{open}7{close}}}}}"#
    ))
    .unwrap();
    assert_eq!(n.unfit().len(), 61);
    assert!(n.object.a.len() == 1);
}

// Types as users write them.

#[test]
fn a_required_list_or_object_that_does_not_fit_is_empty() {
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Label {
        Inbox,
        Sent,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Place {
        city: Option<String>,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Needs {
        city: String,
    }
    #[derive(Debug, Deserialize)]
    struct Own {
        labels: Vec<Label>,
        by_name: BTreeMap<String, i64>,
        place: Place,
        needs: Option<Needs>,
    }
    let nulls = json!({"labels": null, "by_name": null, "place": null, "needs": null});
    let n: Notification<Own> = own(&nulls).unwrap();
    assert_eq!(
        (
            n.object.labels.len(),
            n.object.by_name.len(),
            &n.object.place,
            &n.object.needs
        ),
        (0, 0, &Place { city: None }, &None)
    );
    assert_eq!(
        listed(n.unfit()),
        [
            ("/data/object/by_name", "an object", &json!(null)),
            ("/data/object/labels", "a list", &json!(null)),
            ("/data/object/place", "an object", &json!(null)),
        ]
    );

    // More than are looked for one by one.
    let mut labels = vec![json!("inbox"); 50];
    labels.extend(vec![json!("other"); 50]);
    let n: Notification<Own> = own(&json!({"labels": labels, "by_name": {"a": "7", "b": []}, "place": {"city": []}, "needs": {"city": {}}})).unwrap();
    assert_eq!(n.object.by_name, BTreeMap::from([("a".to_owned(), 7)]));
    assert_eq!(n.object.place, Place { city: None });
    assert_eq!((n.object.labels.len(), n.unfit().len()), (50, 53));
    assert!(listed(n.unfit()).contains(&(
        "/data/object/needs",
        "an object whose `city` fits",
        &json!({"city": {}})
    )));

    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Required {
        needs: Needs,
    }
    for (object, reason) in [
        (
            json!({"needs": {"city": []}}),
            "the value at /data/object/needs is not an object whose `city` fits",
        ),
        (
            json!({"needs": {}}),
            "the value at /data/object/needs is not an object with `city`",
        ),
        (
            json!({"needs": 7}),
            "the value at /data/object/needs is not an object",
        ),
        (json!({}), "the field `needs` is missing at /data/object"),
    ] {
        assert_eq!(
            own::<Required>(&object).unwrap_err().reason().to_string(),
            reason
        );
    }
    #[derive(Debug, Deserialize)]
    struct Pair {
        pair: Option<(i64, String)>,
    }
    let pair = json!(["x", "y"]);
    let n: Notification<Pair> = own(&json!({"pair": pair})).unwrap();
    assert_eq!(n.object.pair, None);
    assert_eq!(
        listed(n.unfit()),
        [("/data/object/pair", "a list whose item 0 fits", &pair)]
    );
}

#[test]
fn a_name_that_does_not_fit_takes_its_member_only() {
    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Colour {
        Red,
        Blue,
    }
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Denies {
        id: String,
    }
    #[derive(Debug, Deserialize)]
    struct Own {
        by_colour: BTreeMap<Colour, i64>,
        by_number: BTreeMap<i32, String>,
        by_answer: BTreeMap<bool, String>,
        denies: Denies,
    }
    let n: Notification<Own> = own(&json!({
        "by_colour": {"red": 1, "green": 2, "blue": "3"},
        "by_number": {"7": "a", "+7": "b", "07": "c", "seven": "d", "-8": 5},
        "by_answer": {"true": "yes", "maybe": "?"},
        "denies": {"id": 7, "more": 1},
    }))
    .unwrap();
    assert_eq!(
        n.object.by_colour,
        BTreeMap::from([(Colour::Red, 1), (Colour::Blue, 3)])
    );
    assert_eq!(
        n.object.by_number,
        BTreeMap::from([(7, "a".to_owned()), (-8, "5".to_owned())])
    );
    assert_eq!(
        n.object.by_answer,
        BTreeMap::from([(true, "yes".to_owned())])
    );
    assert_eq!(n.object.denies.id, "7");
    assert_eq!(
        paths(n.unfit()),
        [
            "/data/object/by_answer/maybe",
            "/data/object/by_colour/green",
            "/data/object/by_number/+7",
            "/data/object/by_number/07",
            "/data/object/by_number/seven",
            "/data/object/denies/more",
        ]
    );
}

/// What reads at once reads the same beside a value that does not fit.
fn check<T: DeserializeOwned + Debug + PartialEq + Send + 'static>(value: &str) {
    #[derive(Debug, Deserialize)]
    struct Own<T> {
        it: T,
        fault: Option<bool>,
    }
    let body = |fault: &str| {
        format!(r#"{{"type":"x.y","data":{{"object":{{"it":{value},"fault":{fault}}}}}}}"#)
    };
    let at_once = read::<Own<T>>(body("true")).unwrap();
    assert_eq!(at_once.object.fault, Some(true));
    let beside = read::<Own<T>>(body("[]")).unwrap_or_else(|why| panic!("{value}: {why}"));
    assert_eq!(
        (&at_once.object.it, &*paths(beside.unfit())),
        (&beside.object.it, &["/data/object/fault"][..]),
        "{value}"
    );
}

#[test]
fn users_types_fit_beside_a_fault_as_they_do_at_once() {
    #[derive(Debug, PartialEq, Deserialize)]
    enum External {
        Unit,
        Newtype(i64),
        Tuple(i64, String),
        Struct { a: i64 },
    }
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(tag = "t", content = "c")]
    enum Adjacent {
        A(i64),
        B { b: String },
        C,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(tag = "t")]
    enum Internal {
        A { a: i64 },
        B,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Number(i64),
        Text(String),
        List(Vec<Untagged>),
        Map(BTreeMap<String, Untagged>),
        Null,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Unit;
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(transparent)]
    struct Transparent(Vec<(u8, char)>);
    #[derive(Debug, PartialEq, Deserialize)]
    struct Flat {
        a: String,
        #[serde(flatten)]
        rest: BTreeMap<String, Value>,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(default)]
    struct Defaults {
        #[serde(alias = "A", alias = "aa")]
        a: i64,
        b: std::borrow::Cow<'static, str>,
    }
    impl Default for Defaults {
        fn default() -> Self {
            Self {
                a: 5,
                b: "five".into(),
            }
        }
    }
    check::<External>("\"Unit\"");
    check::<External>(r#"{"Unit":null}"#);
    check::<External>(r#"{"Newtype":7}"#);
    check::<External>(r#"{"Tuple":[7,"a"]}"#);
    check::<External>(r#"{"Struct":{"a":7}}"#);
    check::<Adjacent>(r#"{"c":7,"t":"A"}"#);
    check::<Adjacent>(r#"{"t":"B","c":{"b":"x"}}"#);
    check::<Adjacent>(r#"{"t":"C"}"#);
    check::<Internal>(r#"{"a":7,"t":"A"}"#);
    check::<Internal>(r#"{"t":"B"}"#);
    check::<Untagged>(r#"{"a":[7,"x",null,{}]}"#);
    check::<Unit>("null");
    check::<Transparent>(r#"[[7,"x"]]"#);
    check::<Flat>(r#"{"a":"x","b":[1,2.5,{}],"c":null}"#);
    check::<Defaults>(r#"{"A":7}"#);
    check::<Defaults>("{}");
    check::<Defaults>("[1,\"x\"]");
}

#[test]
fn types_of_the_standard_library_fit_beside_a_fault_as_they_do_at_once() {
    check::<i128>("-170141183460469231731687303715884105728");
    check::<i128>("18446744073709551616");
    check::<u128>("99999999999999999999");
    check::<i64>("-9223372036854775808");
    check::<f64>("123456789012345678901234567890");
    check::<f64>("-0");
    check::<f32>("1e300");
    check::<()>("null");
    check::<Option<Option<i64>>>("7");
    check::<[u8; 3]>("[1,2,3]");
    check::<BTreeMap<i64, bool>>(r#"{"-7":true}"#);
    check::<BTreeMap<char, bool>>(r#"{"x":true}"#);
    check::<Result<i64, String>>(r#"{"Ok":7}"#);
    check::<std::time::Duration>(r#"{"secs":7,"nanos":1}"#);
    check::<std::net::IpAddr>("\"::1\"");
    check::<std::num::NonZeroU8>("7");
    check::<Box<str>>("\"x\"");
    check::<std::path::PathBuf>("\"x\"");
    check::<serde_json::Number>("1.5");
    check::<serde_json::Map<String, Value>>(r#"{"a":1}"#);
    check::<std::ops::Range<i64>>(r#"{"start":1,"end":2}"#);
    check::<When>(r#"{"object":"date","date":"2026-10-01"}"#);
    check::<String>("\"\\u0000\u{7f}\"");
}

#[test]
fn a_faulty_item_among_objects_loses_its_leaf_only() {
    let body = json!({"type": "event.created", "time": [], "data": {"object": {"id": "e", "grant_id": "g",
        "participants": [{"email": "a@x.example", "status": "yes"}, {"email": ["b"], "status": 7, "more": 1}, {"email": "c@x.example", "name": {}}],
        "when": {"object": "timespan", "start_time": "7", "end_time": 8.0, "end_timezone": []}, "busy": "x"}}});
    let n: Notification<Event> = read(body.to_string()).unwrap();
    assert_eq!(n.object.participants.len(), 3);
    assert_eq!(n.object.participants[1].extra["more"], 1);
    assert_eq!(
        paths(n.unfit()),
        [
            "/data/object/busy",
            "/data/object/participants/1/email",
            "/data/object/participants/2/name",
            "/data/object/when/end_timezone",
            "/time",
        ]
    );
    let taken_out = n.unfit().iter().map(|u| (u.path(), u.value())).collect();
    accounts_for_all(
        &body,
        "",
        written(&n, serde_json::to_value(&n.object).unwrap()),
        taken_out,
    );
}

#[test]
fn any_two_members_of_any_sample_may_be_null_or_of_another_kind() {
    for (name, sample) in SAMPLES {
        let sample: Value = serde_json::from_str(sample).unwrap();
        let members: Vec<_> = sample["data"]["object"]
            .as_object()
            .unwrap()
            .keys()
            .collect();
        for (at, first) in members.iter().enumerate() {
            let second = members[(at * 7 + 3) % members.len()];
            for other in [
                json!(null),
                json!([[true]]),
                json!({"a": null}),
                json!(""),
                json!("-0"),
            ] {
                let mut body = sample.clone();
                body["time"] = json!({});
                for member in [*first, second] {
                    body["data"]["object"][member] = other.clone();
                }
                let n: Notification<Object> = read(body.to_string()).unwrap();
                assert!(
                    n.unfit().len() <= 3,
                    "{name} {first} {second} {other} {:?}",
                    n.unfit()
                );
                let taken_out = n.unfit().iter().map(|u| (u.path(), u.value())).collect();
                accounts_for_all(
                    &body,
                    "",
                    written(&n, serde_json::to_value(&n.object).unwrap()),
                    taken_out,
                );
            }
        }
        let mut nulls = sample.clone();
        nulls["data"]["object"]
            .as_object_mut()
            .unwrap()
            .values_mut()
            .for_each(|v| *v = Value::Null);
        let n: Notification<Object> = read(nulls.to_string()).unwrap();
        assert!(
            n.unfit().iter().all(|unfit| unfit.value().is_null()),
            "{name} {:?}",
            n.unfit()
        );
    }
}
