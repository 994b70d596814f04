use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use proptest::prelude::*;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::*;
use crate::trigger::{TriggerKind, with_triggers};

/// Name, trigger without its automatic suffixes, and `data.object` of every v3 sample.
fn samples() -> Vec<(String, String, Value)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/testing/samples");
    let mut samples = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let mut sample: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let mut stem = sample["type"].as_str().unwrap();
        for suffix in [".truncated", ".transformed"] {
            stem = stem.strip_suffix(suffix).unwrap_or(stem);
        }
        let stem = stem.to_owned();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        samples.push((name, stem, sample["data"]["object"].take()));
    }
    samples
}

fn parse(stem: &str, json: &Value) -> Object {
    Object::parse(stem, &json.to_string()).unwrap()
}

#[test]
fn every_sample_becomes_the_type_of_its_trigger_and_comes_back_whole() {
    let types: BTreeMap<_, _> = Object::TYPES.iter().copied().collect();
    let mut met = BTreeSet::new();
    for (name, stem, json) in samples() {
        let object = parse(&stem, &json);
        let variant = format!("{object:?}");
        assert!(
            variant.starts_with(&format!("{}(", types[&*stem])),
            "{name}: {variant}"
        );
        let mut json = json;
        leave_out_nulls(&mut json);
        assert_eq!(serde_json::to_value(&object).unwrap(), json, "{name}");
        met.insert(stem);
    }
    // It has no schema in v3, so there is no sample of it.
    met.insert("contact.created".to_owned());
    assert_eq!(
        met,
        types.keys().map(|&trigger| trigger.to_owned()).collect()
    );
}

fn leave_out_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(leave_out_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(leave_out_nulls),
        _ => {}
    }
}

#[test]
fn the_tables_have_a_row_for_every_known_trigger() {
    let known: Vec<_> = TriggerKind::KNOWN.iter().map(TriggerKind::as_str).collect();
    let typed: Vec<_> = Object::TYPES.iter().map(|(trigger, _)| *trigger).collect();
    assert_eq!(typed, known);
    assert_eq!(known.len(), 54 + 1);

    let row = |(trigger, name): &(&str, &str)| format!("| `{trigger}` | [`{name}`] |\n");
    let rows: String = Object::TYPES.iter().map(row).collect();
    assert_eq!(
        with_triggers!(documentation_table),
        format!("| Trigger | Type |\n|---|---|\n{rows}")
    );
}

#[test]
fn a_trigger_without_a_type_keeps_any_json() {
    for stem in [
        "",
        "grant.merged",
        "message",
        "message.created.truncated",
        "message.deleted.metadata",
    ] {
        for json in [
            json!(null),
            json!({"id": 7}),
            json!([[]]),
            json!("text"),
            json!(1.5),
        ] {
            assert_eq!(parse(stem, &json), Object::Unknown(json.clone()));
            assert_eq!(serde_json::to_value(parse(stem, &json)).unwrap(), json);
        }
    }
    assert!(Object::parse("grant.merged", "{").is_err());
}

#[test]
fn a_failed_send_may_have_no_object_at_all() {
    assert_eq!(
        parse("message.send_failed", &Value::Null),
        Object::SendResult(Box::default())
    );
}

#[test]
fn contact_created_reads_as_a_contact() {
    let object = parse("contact.created", &json!({"id": "c1", "grant_id": "g1"}));
    assert!(matches!(object, Object::Contact(contact) if contact.id == "c1"));
}

#[test]
fn an_object_is_small_to_move() {
    assert!(size_of::<Object>() <= 5 * size_of::<usize>());
}

#[test]
fn models_answers_for_own_types_only() {
    struct Mine;

    assert_eq!(models::<Mine>("message.created"), None);
    assert_eq!(models::<Value>("message.created"), None);
    assert_eq!(models::<Address>("message.created"), None);
    assert_eq!(models::<Message>("message.created"), Some(true));
    assert_eq!(models::<Message>("message.updated.metadata"), Some(true));
    assert_eq!(
        models::<Message>("message.created.truncated"),
        Some(false),
        "not a stem"
    );
    assert_eq!(models::<Message>("message.opened"), Some(false));
    assert_eq!(models::<Message>("folder.created"), Some(false));
    assert_eq!(models::<Message>("grant.merged"), Some(false));
    assert_eq!(
        models::<MessageOpened>("message.opened.legacy"),
        Some(false)
    );
    assert_eq!(models::<Object>("message.created"), Some(true));
    assert_eq!(models::<Object>("grant.merged"), Some(true));
}

#[test]
fn what_a_type_models_it_can_read() {
    fn check<T: DeserializeOwned + Serialize + 'static>(reads: &mut BTreeSet<String>) {
        let short = std::any::type_name::<T>().rsplit("::").next().unwrap();
        for (name, stem, mut json) in samples() {
            let belongs = Object::TYPES.contains(&(&*stem, short));
            match models::<T>(&stem) {
                Some(true) => {
                    let object: T = serde_json::from_value(json.clone()).expect(&name);
                    leave_out_nulls(&mut json);
                    assert_eq!(
                        serde_json::to_value(&object).unwrap(),
                        json,
                        "{name} as {short}"
                    );
                    if !belongs {
                        reads.insert(format!("{short} reads {stem}"));
                    }
                }
                Some(false) => assert!(!belongs, "{name}"),
                None => panic!("{short} is not in the table"),
            }
        }
    }

    let mut reads = BTreeSet::new();
    check::<Alert>(&mut reads);
    check::<Grant>(&mut reads);
    check::<Message>(&mut reads);
    check::<MessageDeleted>(&mut reads);
    check::<SendResult>(&mut reads);
    check::<BounceDetected>(&mut reads);
    check::<MessageOpened>(&mut reads);
    check::<LinkClicked>(&mut reads);
    check::<ThreadReplied>(&mut reads);
    check::<LegacyTracking>(&mut reads);
    check::<Folder>(&mut reads);
    check::<Calendar>(&mut reads);
    check::<Event>(&mut reads);
    check::<EventDeleted>(&mut reads);
    check::<Contact>(&mut reads);
    check::<ContactDeleted>(&mut reads);
    check::<Booking>(&mut reads);
    check::<Notetaker>(&mut reads);
    check::<Intelligence>(&mut reads);
    check::<MessageBounced>(&mut reads);
    check::<MessageComplaint>(&mut reads);
    check::<MessageDelivered>(&mut reads);
    check::<MessageRejected>(&mut reads);
    assert_eq!(
        reads.into_iter().collect::<Vec<_>>(),
        [
            "Contact reads contact.deleted",
            "Event reads event.deleted",
            "Message reads message.deleted"
        ]
    );
}

proptest! {
    #[test]
    fn parse_never_panics(trigger in 0..Object::TYPES.len(), text in ".*") {
        let (stem, _) = Object::TYPES[trigger];
        let _ = Object::parse(stem, &text);
        let _ = Object::parse(&text, &text);
    }

    #[test]
    fn nesting_without_end_is_an_error(trigger in 0..Object::TYPES.len(), opening in "[\\[{]|\\{\"a\":|\\{\"when\":") {
        let (stem, _) = Object::TYPES[trigger];
        prop_assert!(Object::parse(stem, &opening.repeat(100_000)).is_err());
    }
}
