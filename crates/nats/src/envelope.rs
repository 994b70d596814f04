//! An entry as a message: in its payload the length of the head (two bytes, the higher one first),
//! the head and the content; the key in `Nats-Msg-Id`, by which the server knows a duplicate.

use async_nats::{HeaderMap, header::NATS_MESSAGE_ID};
use bytes::{BufMut, Bytes, BytesMut};
use tower_nylas::inbox::{Entry, EntryKey};

/// What separates a key from the number of its replay in a message id: a replay is no duplicate.
const REPLAY: &str = "#r";

/// What ends the second message id of a key.
const OTHER: &str = "#a";

/// What separates the id of a message that was stored anew from the place that it had.
const ANEW: &str = "#o";

/// What a message has beside the head and the content of its entry, at most: the headers, of a dead
/// letter as well.
pub(crate) const RESERVED: usize = 8 << 10;

/// The payload; `None` if the head is longer than it can be.
pub(crate) fn pack(entry: &Entry) -> Option<Bytes> {
    let head = entry.head();
    let length = u16::try_from(head.len()).ok()?;
    let mut payload = BytesMut::with_capacity(2 + head.len() + entry.content().len());
    payload.put_u16(length);
    payload.put_slice(&head);
    payload.put_slice(entry.content());
    Some(payload.freeze())
}

/// The entry of a payload, or why there is none.
pub(crate) fn unpack(key: EntryKey, payload: &Bytes) -> Result<Entry, String> {
    let Some((length, rest)) = payload.split_first_chunk::<2>() else {
        return Err("its message is too short".to_owned());
    };
    let length = usize::from(u16::from_be_bytes(*length));
    if rest.len() < length {
        return Err("its message is too short".to_owned());
    }
    let (head, content) = (payload.slice(2..2 + length), payload.slice(2 + length..));
    Entry::restore(key, &head, content).map_err(|why| why.to_string())
}

/// The message id of a key, at its so-manieth replay.
pub(crate) fn id(key: EntryKey, replays: u32) -> String {
    match replays {
        0 => key.to_string(),
        replays => format!("{key}{REPLAY}{replays}"),
    }
}

/// The message id of a key whose own one the server does not get rid of.
pub(crate) fn other_id(key: EntryKey) -> String {
    format!("{key}{OTHER}")
}

/// The id of a message that is stored anew, and was at this place.
pub(crate) fn id_anew(headers: &HeaderMap, position: u64) -> String {
    let id = headers.get(NATS_MESSAGE_ID);
    let id = id.map_or("", |id| first_id(id.as_str()));
    format!("{id}{ANEW}{position}")
}

/// The id that a message had before it was stored anew.
fn first_id(id: &str) -> &str {
    id.split_once(ANEW).map_or(id, |(id, _)| id)
}

/// Whether a message has this id.
pub(crate) fn has_id(headers: &HeaderMap, id: &str) -> bool {
    let found = headers.get(NATS_MESSAGE_ID);
    found.is_some_and(|found| found.as_str() == id)
}

/// The key, and how often it was replayed.
pub(crate) fn read_id(headers: Option<&HeaderMap>) -> Option<(EntryKey, u32)> {
    let id = first_id(headers?.get(NATS_MESSAGE_ID)?.as_str());
    let (key, replays) = match id.split_once(REPLAY) {
        Some((key, replays)) => (key, replays.parse().ok()?),
        None => (id.strip_suffix(OTHER).unwrap_or(id), 0),
    };
    Some((read_key(key)?, replays))
}

/// A key as [`EntryKey`] shows it: 32 hex digits.
pub(crate) fn read_key(text: &str) -> Option<EntryKey> {
    if text.len() != 2 * EntryKey::LENGTH || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let number = u128::from_str_radix(text, 16).ok()?;
    Some(EntryKey::from_bytes(number.to_be_bytes()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tower_nylas::testing;

    use super::*;

    fn entry(content: &'static str) -> Entry {
        Entry::new(&testing::verified(content), Duration::from_millis(5))
    }

    #[test]
    fn what_is_packed_is_unpacked() {
        for content in ["", "{}", r#"{"type":"message.created","id":"n-1"}"#] {
            let stored = entry(content);
            let read = unpack(stored.key(), &pack(&stored).unwrap()).unwrap();
            assert_eq!(read.content(), stored.content());
            assert_eq!(read.head(), stored.head());
        }
    }

    #[test]
    fn no_payload_panics() {
        let key = entry("{}").key();
        for payload in [
            &b""[..],
            b"\0",
            b"\0\x01",
            b"\xff\xff\0",
            b"\0\0",
            b"\0\x01\xff",
        ] {
            assert!(unpack(key, &Bytes::from_static(payload)).is_err());
        }
    }

    #[test]
    fn a_replay_has_the_same_key_and_another_id() {
        let key = entry("{}").key();
        for replays in [0, 1, 70] {
            let mut headers = HeaderMap::new();
            headers.insert(NATS_MESSAGE_ID, id(key, replays).as_str());
            assert_eq!(read_id(Some(&headers)), Some((key, replays)));
        }
        for id in [id(key, 0), id(key, 3), other_id(key)] {
            let mut headers = HeaderMap::new();
            headers.insert(NATS_MESSAGE_ID, id.as_str());
            let read = read_id(Some(&headers));
            for position in [7, 8] {
                let anew = id_anew(&headers, position);
                assert_eq!(anew, format!("{id}#o{position}"));
                headers.insert(NATS_MESSAGE_ID, anew.as_str());
                assert_eq!(read_id(Some(&headers)), read);
            }
        }
        let mut headers = HeaderMap::new();
        assert_eq!(id_anew(&headers, 7), "#o7");
        headers.insert(NATS_MESSAGE_ID, other_id(key).as_str());
        assert_eq!(read_id(Some(&headers)), Some((key, 0)));
        for foreign in [
            "",
            "#a",
            "#o7",
            "n-1",
            "#r1",
            "0123#r1",
            "+0000000000000000000000000000001",
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(NATS_MESSAGE_ID, foreign);
            assert_eq!(read_id(Some(&headers)), None);
        }
        assert_eq!(read_id(None), None);
    }
}
