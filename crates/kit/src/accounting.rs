//! Whether what was read of some JSON, and what was taken out of it, are all of it.

use serde_json::{Value, json};

/// The one field with two spellings, the old one and the usual one.
const SPELLINGS: [&str; 2] = ["mimeId", "mime_id"];

/// The JSON pointers of all values below and including the root.
pub fn pointers(json: &Value) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut next = 0;
    while let Some(here) = found.get(next).cloned() {
        next += 1;
        match json.pointer(&here).expect("it was found") {
            Value::Object(members) => found.extend(
                members
                    .keys()
                    .map(|name| format!("{here}/{}", name.replace('~', "~0").replace('/', "~1"))),
            ),
            Value::Array(items) => found.extend((0..items.len()).map(|at| format!("{here}/{at}"))),
            _ => {}
        }
    }
    found
}

/// Nylas means the same by `null` and by no field at all.
pub fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(mut members) => {
            let [old, usual] = SPELLINGS;
            let is_old = members.contains_key(old) && !members.contains_key(usual);
            if let Some(value) = is_old.then(|| members.remove(old)).flatten() {
                members.insert(usual.to_owned(), value);
            }
            members
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name, without_nulls(value)))
                .collect()
        }
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
            original == read
                || number(original)
                    .zip(number(read))
                    .is_some_and(|(own, read)| is_same_number(own, read))
        }
    }
}

/// `serde_json` rounds the last digit of a double that no integer holds in another way than Rust.
#[allow(clippy::float_cmp)] // on purpose
fn is_same_number(own: f64, read: f64) -> bool {
    own == read || own.abs() > 1e19 && (own - read).abs() <= own.abs() * 1e-15
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
        put_back(original, &mut read, below, value);
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

fn put_back(mut original: &Value, mut read: &mut Value, path: &str, value: &Value) {
    let (parents, name) = path.rsplit_once('/').expect("it is below the base");
    for parent in parents.split('/').skip(1) {
        let step = format!("/{parent}");
        original = original.pointer(&step).expect("it was there");
        read = read.pointer_mut(&step).expect("what held it is there");
        // A single item was read as a list.
        while read.is_array() && !original.is_array() {
            read = read.get_mut(0).expect("the item");
        }
    }
    match read {
        Value::Object(members) => {
            let name = name.replace("~1", "/").replace("~0", "~");
            match members.insert(name.clone(), value.clone()) {
                Some(read) if name == SPELLINGS[1] => {
                    members.insert(SPELLINGS[0].to_owned(), read);
                }
                supplied => assert!(
                    supplied.is_none_or(|own| name == "grant_id" || own == json!({})),
                    "{path} was taken out and read"
                ),
            }
        }
        Value::Array(items) => items.insert(name.parse().expect("an index"), value.clone()),
        other => panic!("{path}: {other}"),
    }
}
