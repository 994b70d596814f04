use std::time::Duration;

use super::{
    Engine,
    bench::{Bench, SOON, assert_without_effect, dead, retry},
    passed_over,
};
use crate::inbox::{
    Appended, Browse, DeadCause, EntryKey, EntryState, Inbox, Settlement, browse::count_groups,
};

pub(super) async fn stats_count_each_state<E: Engine<Inbox: Browse>>(bench: &Bench<'_, E>) {
    let inbox = bench.open().await;
    assert_eq!(inbox.stats().await.unwrap().oldest_ready, None);
    bench.store(&inbox, 4).await;
    let claims = inbox.claim(3, SOON).await.unwrap();
    let long = bench.lease() * 50;
    bench.settle(&inbox, &claims[0], retry(long, true)).await;
    bench
        .settle(&inbox, &claims[1], dead(DeadCause::Exhausted))
        .await;
    bench.pass(SOON).await;
    let stats = inbox.stats().await.unwrap();
    assert!(stats.bytes > 0);
    assert!(stats.oldest_ready >= Some(SOON / 2), "{stats:?}");
    assert_eq!((stats.ready, stats.dead), (1, 1), "{stats:?}");
    assert_eq!(stats.waiting + stats.claimed, 2, "{stats:?}");
    if !bench.engine.counts_each_state() {
        return passed_over("what waits is told from what is claimed");
    }
    assert_eq!((stats.waiting, stats.claimed), (1, 1), "{stats:?}");
    bench.pass(bench.lease()).await;
    let stats = inbox.stats().await.unwrap();
    assert_eq!((stats.ready, stats.claimed), (1, 1), "{stats:?}");
}

pub(super) async fn the_dead_are_listed_with_cause_and_reason<E: Engine<Inbox: Browse>>(
    bench: &Bench<'_, E>,
) {
    let inbox = bench.open().await;
    let mut keys: Vec<EntryKey> = Vec::new();
    for cause in DeadCause::ALL {
        keys.extend(bench.store(&inbox, 1).await);
        let claim = bench.claim(&inbox).await;
        bench.settle(&inbox, &claim, dead(cause)).await;
    }
    keys.reverse();
    let mut listed = Vec::new();
    let mut before = None;
    loop {
        let page = inbox.dead(before, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.position);
        listed.extend(page);
    }
    let listed_keys: Vec<_> = listed.iter().map(|stored| stored.key).collect();
    assert_eq!(listed_keys, keys);
    for (stored, cause) in listed.iter().rev().zip(DeadCause::ALL) {
        assert_eq!(stored.state, EntryState::Dead(cause));
        assert_eq!(stored.why, "a reason");
        let entry = stored.entry.as_ref().unwrap();
        assert_eq!(entry.key(), stored.key);
    }
}

pub(super) async fn the_dead_are_counted_by_trigger_and_cause<E: Engine<Inbox: Browse>>(
    bench: &Bench<'_, E>,
) {
    use DeadCause::{Expired, Malformed};

    let inbox = bench.open().await;
    assert!(inbox.dead_groups(10).await.unwrap().is_empty());
    let mut last = Vec::new();
    for (trigger, cause) in [
        ("message.created", Malformed),
        ("grant.expired", Expired),
        ("message.created", Expired),
        ("message.created", Expired),
        ("grant.expired", Expired),
        ("message.created", Expired),
    ] {
        last.push(bench.append(&inbox, bench.entry_of(trigger, "g-1")).await);
        let claim = bench.claim(&inbox).await;
        bench.settle(&inbox, &claim, dead(cause)).await;
    }
    bench.store(&inbox, 1).await;
    let groups = inbox.dead_groups(10).await.unwrap();
    let found: Vec<_> = groups
        .iter()
        .map(|group| {
            let trigger = group.trigger.as_deref();
            (trigger, group.cause, group.count, group.last.key)
        })
        .collect();
    assert_eq!(
        found,
        [
            (Some("message.created"), Expired, 3, last[5]),
            (Some("grant.expired"), Expired, 2, last[4]),
            (Some("message.created"), Malformed, 1, last[0]),
        ]
    );
    assert_eq!(groups[0].last.why, "a reason");
    let largest = inbox.dead_groups(1).await.unwrap();
    assert_eq!((largest.len(), largest[0].count), (1, 3));
}

/// Which an engine that does not count by itself returns.
pub(super) async fn the_groups_are_those_of_the_entries_that_are_listed<
    E: Engine<Inbox: Browse>,
>(
    bench: &Bench<'_, E>,
) {
    let inbox = bench.open().await;
    // A name that is so long is none.
    let triggers = ["message.created", "grant.expired", &"x".repeat(300)];
    let mut last = Vec::new();
    // More than are read at a time, and none as often as another.
    for number in 0..45 {
        let trigger = triggers[usize::from(number % 3 == 0) + usize::from(number % 9 == 0)];
        let cause = DeadCause::ALL[usize::from(number % 4 == 0)];
        last.push(bench.append(&inbox, bench.entry_of(trigger, "g-1")).await);
        let claim = bench.claim(&inbox).await;
        bench.settle(&inbox, &claim, dead(cause)).await;
    }
    // What is not dead any more is in no group, and the one before it is the last one.
    inbox.replay(&last[44..]).await.unwrap();
    inbox.discard(&last[43..44]).await.unwrap();
    let all = inbox.dead_groups(10).await.unwrap();
    let counts: Vec<_> = all.iter().map(|group| group.count).collect();
    assert_eq!(counts.iter().sum::<u64>(), 43);
    assert!(all.iter().any(|group| group.trigger.is_none()), "{all:?}");
    for max in [1, 3, 10] {
        let listed = count_groups(&inbox, max).await.unwrap();
        assert_eq!(inbox.dead_groups(max).await.unwrap(), listed);
        assert_eq!(listed.len(), max.min(counts.len()));
    }
}

pub(super) async fn a_replay_starts_anew<E: Engine<Inbox: Browse>>(bench: &Bench<'_, E>) {
    let inbox = bench.open().await;
    let keys = bench.store(&inbox, 2).await;
    let claims = bench.claims(&inbox).await;
    drop(claims);
    bench.pass(bench.lease() + SOON).await;
    for claim in bench.claims(&inbox).await {
        bench
            .settle(&inbox, &claim, retry(Duration::ZERO, true))
            .await;
    }
    let claims = inbox.claim(10, SOON).await.unwrap();
    assert_eq!((claims[0].crashes, claims[0].failures), (1, 1));
    let claimed = claims[0].entry.key();
    let unknown = bench.entry().key();
    // One is claimed, and one is not known.
    assert_eq!(inbox.replay(&[claimed, unknown]).await.unwrap(), 0);
    for claim in &claims {
        bench
            .settle(&inbox, claim, dead(DeadCause::Malformed))
            .await;
    }
    let listed = inbox.dead(None, 10).await.unwrap();
    assert!(
        listed
            .iter()
            .all(|stored| (stored.crashes, stored.failures) == (1, 1))
    );
    bench.pass(SOON).await;
    assert_eq!(inbox.replay(&[keys[0], unknown]).await.unwrap(), 1);
    let claim = bench.claim(&inbox).await;
    assert_eq!(claim.entry.key(), keys[0]);
    assert_eq!((claim.crashes, claim.failures), (0, 0));
    assert!(claim.failing_for.is_zero());
    // The claims before it have ended.
    for earlier in &claims {
        assert_without_effect(&inbox.settle(&earlier.receipt, Settlement::Done).await);
    }
    let dead = inbox.dead(None, 10).await.unwrap();
    assert_eq!(dead.len(), 1);
    // It can die and be replayed once more.
    let again = super::bench::dead(DeadCause::Expired);
    bench.settle(&inbox, &claim, again).await;
    assert_eq!(inbox.replay(&keys).await.unwrap(), 2);
}

pub(super) async fn what_is_discarded_is_gone_and_its_key_is_not<E: Engine<Inbox: Browse>>(
    bench: &Bench<'_, E>,
) {
    let inbox = bench.open().await;
    let (entry, ready) = (bench.entry(), bench.entry());
    bench.append(&inbox, entry.clone()).await;
    let claim = bench.claim(&inbox).await;
    bench
        .settle(&inbox, &claim, dead(DeadCause::Malformed))
        .await;
    bench.append(&inbox, ready.clone()).await;
    let keys = [entry.key(), ready.key()];
    assert_eq!(inbox.discard(&keys).await.unwrap(), 1);
    assert_eq!(inbox.discard(&keys).await.unwrap(), 0);
    assert!(inbox.dead(None, 10).await.unwrap().is_empty());
    assert_eq!(inbox.replay(&keys).await.unwrap(), 0);
    assert_eq!(inbox.append(entry).await.unwrap(), Appended::Duplicate);
    // What is not dead is not discarded, and neither is what is claimed.
    let claim = bench.claim(&inbox).await;
    assert_eq!(claim.entry.key(), ready.key());
    assert_eq!(inbox.discard(&keys).await.unwrap(), 0);
    bench.settle(&inbox, &claim, Settlement::Done).await;
}
