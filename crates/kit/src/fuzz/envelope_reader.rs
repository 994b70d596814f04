//! The reader that stops early, over any bytes. The oracle: `serde_json`, where it accepts them.

use tower_nylas::{notification::Envelope, testing};

use super::{
    tree::Tree,
    typed_objects::{plain, text, whole_number},
};

pub fn run(data: &[u8]) {
    let body = testing::verified(data.to_vec());
    let read = Envelope::peek(&body);
    if let Ok(envelope) = &read {
        assert_eq!(envelope.trigger().to_string(), envelope.name());
    }
    match Tree::read(data) {
        Some(tree) => {
            let expected = expected(&tree);
            let read = read.as_ref().ok().map(found);
            assert_eq!(read, expected);
            if let Some(expected) = expected {
                stops_early(data, &expected);
            }
        }
        None => {
            // What it has found stays found, whatever comes behind it.
            if let Ok(envelope) = &read {
                stops_early(data, &found(envelope));
            }
        }
    }
}

/// Name, id, time and attempt.
type Found = (String, Option<String>, Option<i64>, Option<u32>);

fn found(envelope: &Envelope<'_>) -> Found {
    (
        envelope.name().to_owned(),
        envelope.id().map(plain),
        envelope.time(),
        envelope.attempt(),
    )
}

/// The first of each, where the name must be text.
fn expected(tree: &Tree) -> Option<Found> {
    let name = tree.get("type")?.text()?;
    let attempt = whole_number(tree, "webhook_delivery_attempt");
    Some((
        name.to_owned(),
        text(tree, "id").as_deref().map(plain),
        whole_number(tree, "time"),
        attempt.and_then(|attempt| attempt.try_into().ok()),
    ))
}

/// Bytes behind the body change nothing for a reader that has all it wants. The comma ends a
/// number.
fn stops_early(data: &[u8], before: &Found) {
    let (_, Some(_), Some(_), Some(_)) = before else {
        return;
    };
    let longer = testing::verified([data, b",\"\\,{\"type\":\"x\",\"id\":7"].concat());
    let envelope = Envelope::peek(&longer).expect("it was found before");
    assert_eq!(found(&envelope), *before);
}
