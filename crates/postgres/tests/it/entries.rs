//! Entries to store.

use std::time::Duration;

use tower_nylas::{inbox::Entry, testing};

/// With this id, of a notification of some 100 bytes.
pub(crate) fn entry(id: &str) -> Entry {
    large_entry(id, 0)
}

/// With so many bytes more.
pub(crate) fn large_entry(id: &str, bytes: usize) -> Entry {
    let text = "x".repeat(bytes);
    let body = format!(
        r#"{{"type":"message.created","id":"{id}","data":{{"object":{{"id":"m-1","grant_id":"g-1","body":"{text}"}}}}}}"#
    );
    Entry::new(&testing::verified(body), Duration::from_secs(1_767_225_600))
}
