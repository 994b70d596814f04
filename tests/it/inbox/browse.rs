//! Groups of dead entries, over an engine that does not count by itself.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use tower_nylas::{
    BoxError,
    inbox::{
        Browse, DeadCause, Entry, EntryState, Inbox, MemoryInbox, MemoryReceipt, StoredEntry,
        assume_verified,
    },
    testing::VirtualClock,
};
use tower_nylas_kit::forward;

const MEGABYTE: usize = 1 << 20;

/// How many contents there are, and how many there were at most.
#[derive(Default)]
struct Held {
    now: AtomicUsize,
    most: AtomicUsize,
}

struct Content {
    bytes: Vec<u8>,
    held: Arc<Held>,
}

impl Content {
    fn new(held: &Arc<Held>) -> Self {
        let now = held.now.fetch_add(1, Ordering::SeqCst) + 1;
        held.most.fetch_max(now, Ordering::SeqCst);
        let (bytes, held) = (vec![0; MEGABYTE], held.clone());
        Self { bytes, held }
    }
}

impl AsRef<[u8]> for Content {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Content {
    fn drop(&mut self) {
        self.held.now.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Its dead entries are of a megabyte, and no two of them are of one trigger.
#[derive(Clone)]
struct Large {
    inner: MemoryInbox,
    entries: u64,
    held: Arc<Held>,
}

impl Large {
    fn dead(&self, position: u64) -> StoredEntry {
        let body = format!(r#"{{"type":"a.trigger.{position}","id":"n-{position}"}}"#);
        let small = Entry::new(&assume_verified(body, "testing"), std::time::Duration::ZERO);
        let content = Bytes::from_owner(Content::new(&self.held));
        let entry = Entry::restore(small.key(), &small.head(), content).unwrap();
        let state = EntryState::Dead(DeadCause::Expired);
        StoredEntry::new(entry.key(), Some(entry), state, position)
    }
}

impl Inbox for Large {
    type Receipt = MemoryReceipt;

    forward!(inner: append, claim, extend, settle);
}

impl Browse for Large {
    forward!(inner: stats, replay, discard);

    async fn dead(&self, before: Option<u64>, max: usize) -> Result<Vec<StoredEntry>, BoxError> {
        let below = (1..before.unwrap_or(self.entries + 1)).rev();
        Ok(below.take(max).map(|place| self.dead(place)).collect())
    }
}

#[test]
fn no_more_contents_are_held_than_those_of_one_page() {
    let clock = VirtualClock::new();
    let inbox = Large {
        inner: MemoryInbox::with_timer(clock.clone()),
        entries: 10_050,
        held: Arc::default(),
    };
    let groups = clock.run_until(inbox.dead_groups(20_000)).unwrap();
    assert_eq!(groups.len(), 10_000);
    assert_eq!(groups[0].last.position, 10_050);
    let (most, now) = (&inbox.held.most, &inbox.held.now);
    assert_eq!(most.load(Ordering::SeqCst), 16);
    assert_eq!(now.load(Ordering::SeqCst), 0, "a group has no content");
}
