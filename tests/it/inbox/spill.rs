//! Two inboxes, of which the other one stores what the first one does not.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tower::ServiceExt;
use tower_nylas::{
    inbox::{
        AppendError, Appended, Browse, DeadCause, Enqueue, Entry, EntryKey, EntryState, Inbox,
        MemoryInbox, Worker,
    },
    testing::{self, VirtualClock},
    time::{Clock, Timer},
};
use tower_nylas_kit::forward;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// An inbox that never stores one of its entries.
#[derive(Clone)]
struct Picky {
    inbox: MemoryInbox,
    refuses: EntryKey,
    is_away: Arc<AtomicBool>,
}

impl Inbox for Picky {
    type Receipt = <MemoryInbox as Inbox>::Receipt;

    forward!(inbox: claim, extend, settle);

    async fn append(&self, entry: Entry) -> Result<Appended, AppendError> {
        if entry.key() == self.refuses || self.is_away.load(Ordering::SeqCst) {
            return Err(AppendError::Unavailable("it does not take it".into()));
        }
        self.inbox.append(entry).await
    }
}

struct World {
    clock: VirtualClock,
    first: Picky,
    local: MemoryInbox,
}

impl World {
    /// With so many entries in the local inbox, of which the first one refuses the last.
    fn new(entries: usize) -> Self {
        let clock = VirtualClock::new();
        let (inbox, local) = (
            MemoryInbox::with_timer(clock.clone()),
            MemoryInbox::with_timer(clock.clone()),
        );
        let mut refuses = EntryKey::from_bytes([0; 16]);
        for number in 0..entries {
            let body = format!(r#"{{"type":"message.created","id":"n-{number}"}}"#);
            let entry = Entry::new(&testing::verified(body), clock.unix_time());
            refuses = entry.key();
            clock.run_until(local.append(entry)).unwrap();
        }
        let first = Picky {
            inbox,
            refuses,
            is_away: Arc::default(),
        };
        Self {
            clock,
            first,
            local,
        }
    }

    fn forward_for(&self, time: Duration) {
        let forward = Enqueue::with_timer(self.first.clone(), self.clock.clone()).forwarding();
        let (spawn, timer) = (self.clock.clone(), self.clock.clone());
        let clock = self.clock.clone();
        let spawn = move |task| spawn.spawn(task);
        let worker = Worker::on_runtime(self.local.clone(), forward, clock, spawn);
        let worker = worker.run_until(async move { timer.sleep(time).await });
        self.clock.run_until(worker).unwrap();
    }
}

#[test]
fn one_entry_that_is_not_taken_over_while_others_are_expires() {
    let world = World::new(40);
    world.forward_for(HOUR);
    let stats = world.clock.run_until(world.first.inbox.stats()).unwrap();
    assert_eq!(stats.ready, 39);
    let stats = world.clock.run_until(world.local.stats()).unwrap();
    assert_eq!((stats.waiting + stats.ready, stats.dead), (1, 0));
    world.forward_for(80 * HOUR);
    let dead = world.clock.run_until(world.local.dead(None, 10)).unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].key, world.first.refuses);
    assert_eq!(dead[0].state, EntryState::Dead(DeadCause::Expired));
    assert!(
        dead[0].why.contains("it does not take it"),
        "{}",
        dead[0].why
    );
}

#[test]
fn entries_wait_as_long_as_an_inbox_takes_none_over() {
    let world = World::new(40);
    world.first.is_away.store(true, Ordering::SeqCst);
    world.forward_for(100 * HOUR);
    let stats = world.clock.run_until(world.local.stats()).unwrap();
    assert_eq!((stats.waiting + stats.ready, stats.dead), (40, 0));
    world.first.is_away.store(false, Ordering::SeqCst);
    world.forward_for(HOUR);
    let stats = world.clock.run_until(world.first.inbox.stats()).unwrap();
    assert_eq!(stats.ready, 39);
}

/// It could never be moved to the first one.
#[test]
fn what_is_too_large_for_the_first_inbox_is_not_stored_in_the_other_one() {
    let clock = VirtualClock::new();
    let first = MemoryInbox::with_timer(clock.clone()).max_bytes(4 << 10);
    let other = MemoryInbox::with_timer(clock.clone());
    let enqueue = Enqueue::with_timer(first, clock.clone()).or(other.clone());
    let body = testing::verified(format!(r#"{{"id":"n-1","x":"{}"}}"#, "x".repeat(8 << 10)));
    let response = clock.run_until(enqueue.oneshot(http::Request::new(body)));
    assert_eq!(response.unwrap().status(), 503);
    let stats = clock.run_until(other.stats()).unwrap();
    assert_eq!(stats.ready, 0);
}
