//! The reader that stops early, over any bytes. The oracle: `serde_json`, where it accepts them.

use tower_nylas::{notification::Envelope, testing};

use crate::tree::Tree;

pub fn run(data: &[u8]) {
    let body = testing::verified(data.to_vec());
    let read = Envelope::peek(&body);
    if let Ok(envelope) = &read {
        assert_eq!(envelope.trigger().to_string(), envelope.name());
    }
    match Tree::read(data) {
        Some(tree) => {
            let expected = expected(&tree);
            let read = read.as_ref().ok();
            let read = read.map(|envelope| (envelope.name(), envelope.id()));
            assert_eq!(read, expected);
            stops_early(data, expected);
        }
        None => {
            // What it has found stays found, whatever comes behind it.
            if let Ok(envelope) = &read
                && envelope.id().is_some()
            {
                stops_early(data, Some((envelope.name(), envelope.id())));
            }
        }
    }
}

/// The first `type`, which must be text, and the first `id` that is text.
fn expected(tree: &Tree) -> Option<(&str, Option<&str>)> {
    let name = tree.get("type")?.text()?;
    let mut ids = tree.members()?.iter().filter(|(key, _)| key == "id");
    Some((name, ids.find_map(|(_, id)| id.text())))
}

/// Bytes behind the body change nothing for a reader that has all it wants.
fn stops_early(data: &[u8], found: Option<(&str, Option<&str>)>) {
    let Some((name, Some(id))) = found else {
        return;
    };
    let longer = testing::verified([data, b"\"\\,{\"type\":\"x\",\"id\":7"].concat());
    let envelope = Envelope::peek(&longer).expect("it was found before");
    assert_eq!((envelope.name(), envelope.id()), (name, Some(id)));
}
