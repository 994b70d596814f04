//! What `MemoryInbox` keeps, and for how long.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use tower_nylas::{
    inbox::{
        AppendError, Appended, Browse, DeadCause, Entry, Inbox, Inspect, MemoryInbox, Settlement,
    },
    testing::{self, VirtualClock},
};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// With a content of 1,000 bytes and some.
fn entry(id: u32) -> Entry {
    let text = "x".repeat(1000);
    let body = format!(r#"{{"type":"message.created","id":"n-{id}","data":{{"text":"{text}"}}}}"#);
    Entry::new(&testing::verified(body), Duration::ZERO)
}

async fn append(inbox: &MemoryInbox, id: u32) -> Result<Appended, AppendError> {
    inbox.append(entry(id)).await
}

/// Stores and settles this number of entries.
async fn settled(inbox: &MemoryInbox, ids: std::ops::Range<u32>, settlement: Settlement) {
    for id in ids {
        append(inbox, id).await.unwrap();
        let claims = inbox.claim(10, Duration::ZERO).await.unwrap();
        let settlement = settlement.clone();
        inbox.settle(&claims[0].receipt, settlement).await.unwrap();
    }
}

fn dead() -> Settlement {
    Settlement::Dead {
        cause: DeadCause::Exhausted,
        why: String::new(),
    }
}

#[test]
fn what_is_done_is_kept_for_a_while_and_makes_room() {
    let clock = VirtualClock::new();
    let inbox = MemoryInbox::with_timer(clock.clone())
        .max_bytes(16 << 10)
        .keep_done(HOUR, 8 << 10);
    clock.run_until(async {
        settled(&inbox, 0..8, Settlement::Done).await;
        let stats = inbox.stats().await.unwrap();
        // Some 1,600 bytes each.
        assert_eq!((stats.done, stats.ready), (5, 0), "{stats:?}");
        assert_eq!(
            inbox
                .replay(&[entry(7).key(), entry(0).key()])
                .await
                .unwrap(),
            1
        );

        for id in 100..109 {
            assert_eq!(append(&inbox, id).await.unwrap(), Appended::New);
        }
        let stats = inbox.stats().await.unwrap();
        assert_eq!((stats.done, stats.ready), (0, 10), "{stats:?}");
        let full = append(&inbox, 200).await;
        assert!(matches!(full, Err(AppendError::Full)), "{full:?}");
        // A duplicate needs no room.
        assert_eq!(append(&inbox, 0).await.unwrap(), Appended::Duplicate);
    });

    let inbox = MemoryInbox::with_timer(clock.clone()).keep_done(HOUR, 1 << 20);
    clock.run_until(async {
        settled(&inbox, 3..4, dead()).await;
        settled(&inbox, 0..3, Settlement::Done).await;
        // What is done is replayed if that is asked for.
        let keys = [entry(0).key(), entry(3).key()];
        assert_eq!(inbox.replay_dead(&keys).await.unwrap(), 1);
        assert_eq!(inbox.replay_dead(&keys).await.unwrap(), 0);
        let stats = inbox.stats().await.unwrap();
        assert_eq!((stats.done, stats.ready), (3, 1), "{stats:?}");
    });
    clock.advance(HOUR);
    clock.run_until(async {
        append(&inbox, 4).await.unwrap();
        assert_eq!(inbox.stats().await.unwrap().done, 0);
    });
}

#[test]
fn the_dead_are_kept_for_30_days_and_what_is_not_handled_for_ever() {
    let clock = VirtualClock::new();
    let inbox = MemoryInbox::with_timer(clock.clone());
    clock.run_until(settled(&inbox, 0..100, dead()));
    clock.run_until(append(&inbox, 100)).unwrap();
    for (days, expected) in [(29, 100), (1, 0)] {
        clock.advance(days * 24 * HOUR);
        clock.run_until(async {
            // In batches of 64 for each call.
            for id in [100, 100] {
                assert_eq!(append(&inbox, id).await.unwrap(), Appended::Duplicate);
            }
            let stats = inbox.stats().await.unwrap();
            assert_eq!((stats.dead, stats.ready), (expected, 1));
        });
    }
    // Their keys are forgotten as well.
    let appended = clock.run_until(append(&inbox, 0)).unwrap();
    assert_eq!(appended, Appended::New);
}

#[test]
fn who_dies_once_more_is_kept_from_then() {
    let clock = VirtualClock::new();
    let inbox = MemoryInbox::with_timer(clock.clone());
    clock.run_until(settled(&inbox, 0..1, dead()));
    clock.advance(29 * 24 * HOUR);
    clock.run_until(async {
        assert_eq!(inbox.replay(&[entry(0).key()]).await.unwrap(), 1);
        let claims = inbox.claim(1, Duration::ZERO).await.unwrap();
        inbox.settle(&claims[0].receipt, dead()).await.unwrap();
    });
    for (days, expected) in [(29, 1), (1, 0)] {
        clock.advance(days * 24 * HOUR);
        clock.run_until(async {
            append(&inbox, 1).await.unwrap();
            assert_eq!(inbox.stats().await.unwrap().dead, expected);
        });
    }
}

#[test]
fn the_oldest_keys_make_room_for_others() {
    let clock = VirtualClock::new();
    let inbox = MemoryInbox::with_timer(clock.clone()).max_keys(3);
    clock.run_until(async {
        append(&inbox, 50).await.unwrap();
        let open = inbox.claim(1, Duration::ZERO).await.unwrap();
        settled(&inbox, 0..4, Settlement::Done).await;
        assert_eq!(append(&inbox, 3).await.unwrap(), Appended::Duplicate);
        assert_eq!(append(&inbox, 0).await.unwrap(), Appended::New);
        // It is not settled, so it is still known.
        assert_eq!(append(&inbox, 50).await.unwrap(), Appended::Duplicate);
        inbox
            .settle(&open[0].receipt, Settlement::Done)
            .await
            .unwrap();
        assert_eq!(append(&inbox, 50).await.unwrap(), Appended::New);
    });
}

#[test]
fn a_timeline_ends_somewhere() {
    let clock = VirtualClock::new();
    let inbox = MemoryInbox::with_timer(clock.clone());
    clock.run_until(async {
        append(&inbox, 1).await.unwrap();
        for _ in 0..100 {
            let claims = inbox.claim(1, Duration::ZERO).await.unwrap();
            let again = Settlement::Retry {
                after: Duration::ZERO,
                failed: false,
                why: String::new(),
            };
            inbox.settle(&claims[0].receipt, again).await.unwrap();
        }
        assert_eq!(inbox.timeline(entry(1).key()).await.unwrap().len(), 32);
    });
}

#[test]
fn a_setting_that_would_be_of_one_handle_only_is_refused() {
    let inbox = MemoryInbox::with_timer(VirtualClock::new());
    let other = inbox.clone();
    assert!(catch_unwind(AssertUnwindSafe(|| inbox.lease(HOUR))).is_err());
    drop(other);
}
