//! Entries to store, and ends of claims.

use std::time::Duration;

use tower_nylas::{
    inbox::{DeadCause, Entry, Settlement},
    testing,
};

/// With this id, of a notification of some 100 bytes.
pub fn entry(id: &str) -> Entry {
    large_entry(id, 0)
}

/// With so many bytes more.
pub fn large_entry(id: &str, bytes: usize) -> Entry {
    let text = "x".repeat(bytes);
    let body = format!(
        r#"{{"type":"message.created","id":"{id}","data":{{"object":{{"id":"m-1","grant_id":"g-1","body":"{text}"}}}}}}"#
    );
    Entry::new(&testing::verified(body), Duration::from_secs(1_767_225_600))
}

pub fn dead() -> Settlement {
    Settlement::Dead {
        cause: DeadCause::Exhausted,
        why: "a reason".to_owned(),
    }
}

pub fn retry(after: Duration, failed: bool) -> Settlement {
    Settlement::Retry {
        after,
        failed,
        why: "a reason".to_owned(),
    }
}
