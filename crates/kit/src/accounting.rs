//! Whether what was read of some JSON, and what was taken out of it, are all of it.

use serde_json::{Value, json};

/// Nylas means the same by `null` and by no field at all.
pub fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, without_nulls(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

/// Whether what was read says the same: a number may have been text and the reverse, and one item a
/// list of it.
pub fn is_same(original: &Value, read: &Value) -> bool {
    match (original, read) {
        (Value::Object(original), Value::Object(read)) => {
            original.len() == read.len()
                && original
                    .iter()
                    .all(|(name, value)| read.get(name).is_some_and(|read| is_same(value, read)))
        }
        (Value::Array(original), Value::Array(read)) => {
            original.len() == read.len() && original.iter().zip(read).all(|(a, b)| is_same(a, b))
        }
        (item, Value::Array(read)) => read.len() == 1 && is_same(item, &read[0]),
        (original, read) => {
            original == read || number(original).is_some_and(|own| number(read) == Some(own))
        }
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => text.parse::<f64>().ok(),
        other => other.as_f64(),
    }
}

/// Fails unless `read`, with the values that were taken out put back to their paths below `base`,
/// is the same as `original`.
pub fn accounts_for_all(
    original: &Value,
    base: &str,
    mut read: Value,
    mut taken_out: Vec<(&str, &Value)>,
) {
    taken_out.sort_by_cached_key(|(path, _)| steps(path));
    for (path, value) in taken_out {
        let below = path.strip_prefix(base).expect("it is below the base");
        put_back(&mut read, below, value);
    }
    // What stands in for something that was missing.
    if let Value::Object(members) = &mut read {
        members.retain(|name, value| {
            let supplied = name == "grant_id" || *value == json!({});
            !supplied || original.get(name).is_some_and(|own| !own.is_null())
        });
    }
    let (original, read) = (without_nulls(original.clone()), without_nulls(read));
    assert!(is_same(&original, &read), "{original}\n{read}");
}

/// Items of one list in their order.
fn steps(path: &str) -> Vec<(usize, String)> {
    let steps = path.split('/');
    steps
        .map(|step| (step.parse().unwrap_or(0), step.to_owned()))
        .collect()
}

fn put_back(read: &mut Value, path: &str, value: &Value) {
    let (parent, name) = path.rsplit_once('/').expect("it is below the base");
    match read.pointer_mut(parent).expect("what held it is there") {
        Value::Object(members) => {
            let name = name.replace("~1", "/").replace("~0", "~");
            let supplied = members.insert(name.clone(), value.clone());
            assert!(
                supplied.is_none_or(|own| name == "grant_id" || own == json!({})),
                "{path} was taken out and read"
            );
        }
        Value::Array(items) => items.insert(name.parse().expect("an index"), value.clone()),
        other => panic!("{path}: {other}"),
    }
}
