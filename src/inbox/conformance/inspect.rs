use super::{
    Engine,
    bench::{Bench, SOON, dead, retry},
    passed_over,
};
use crate::inbox::{
    Appended, Browse, DeadCause, EntryState, Happened, Inbox, Inspect, Query, Settlement,
};

pub(super) async fn a_query_selects_and_pages<E: Engine<Inbox: Inspect>>(bench: &Bench<'_, E>) {
    let inbox = bench.open().await;
    for (trigger, grant) in [
        ("message.created", "g-1"),
        ("message.created", "g-2"),
        ("grant.expired", "g-1"),
        ("message.created", "g-1"),
    ] {
        bench.append(&inbox, bench.entry_of(trigger, grant)).await;
        bench.pass(SOON / 10).await;
    }
    let claim = inbox.claim(1, SOON).await.unwrap().pop().unwrap();
    bench
        .settle(&inbox, &claim, dead(DeadCause::Malformed))
        .await;
    let count = async |query: &Query| inbox.list(query).await.unwrap().len();
    let all = Query::default();
    assert_eq!(count(&all).await, 4);
    let mut query = all.clone();
    query.trigger = Some("message.created".to_owned());
    assert_eq!(count(&query).await, 3);
    query.grant_id = Some("g-1".to_owned());
    assert_eq!(count(&query).await, 2);
    query.state = Some(EntryState::Ready);
    assert_eq!(count(&query).await, 1);
    query.state = Some(EntryState::Dead(DeadCause::Malformed));
    assert_eq!(count(&query).await, 1);
    query.state = Some(EntryState::Dead(DeadCause::Expired));
    assert_eq!(count(&query).await, 0);
    query.any_cause = true;
    assert_eq!(count(&query).await, 1);
    query.grant_id = Some("g-2".to_owned());
    assert_eq!(count(&query).await, 0);
    let mut query = all.clone();
    query.key = Some(claim.entry.key());
    let found = inbox.list(&query).await.unwrap();
    let keys: Vec<_> = found.iter().map(|stored| stored.key).collect();
    assert_eq!(keys, [claim.entry.key()]);
    query.state = Some(EntryState::Ready);
    assert_eq!(count(&query).await, 0);
    query.state = None;
    query.key = Some(bench.entry().key());
    assert_eq!(count(&query).await, 0);
    let mut query = all;
    query.max = 3;
    let first = inbox.list(&query).await.unwrap();
    assert!(first.is_sorted_by(|a, b| a.position > b.position));
    query.before = first.last().map(|stored| stored.position);
    assert_eq!(count(&query).await, 1);
    let query = Query {
        no_trigger: true,
        ..Query::default()
    };
    assert_eq!(count(&query).await, 0);
    // A name that is so long is not stored beside the content.
    let without = bench.entry_of(&"x".repeat(300), "g-3");
    bench.append(&inbox, without).await;
    assert_eq!(count(&query).await, 1);
}

/// Its cause is shown, counted and selected as undecodable.
pub(super) async fn what_a_later_version_has_written_is_found_as_it_is_shown<
    E: Engine<Inbox: Inspect>,
>(
    bench: &Bench<'_, E>,
) {
    let inbox = bench.open().await;
    let keys = bench.store(&inbox, 4).await;
    let causes = [DeadCause::Expired, DeadCause::Undecodable];
    for (place, claim) in bench.claims(&inbox).await.iter().enumerate() {
        let cause = causes[usize::from(place > 0)];
        bench.settle(&inbox, claim, dead(cause)).await;
    }
    for (key, name) in [(keys[2], "a_later_one"), (keys[3], "yet_another")] {
        if !bench.engine.rename_cause(&inbox, key, name).await {
            return passed_over("a cause that a later version has written");
        }
    }
    for group in inbox.dead_groups(10).await.unwrap() {
        let mut query = Query {
            state: Some(EntryState::Dead(group.cause)),
            ..Query::default()
        };
        let (expected, last) = match group.cause {
            DeadCause::Undecodable => (3, keys[3]),
            _ => (1, keys[0]),
        };
        assert_eq!((group.count, group.last.key), (expected, last));
        for trigger in [None, group.trigger] {
            query.trigger = trigger;
            let found = inbox.list(&query).await.unwrap();
            assert_eq!(found.len() as u64, group.count, "{query:?}");
            let is_shown = |state| state == EntryState::Dead(group.cause);
            assert!(found.iter().all(|stored| is_shown(stored.state)));
        }
        query.key = Some(last);
        assert_eq!(inbox.list(&query).await.unwrap().len(), 1, "{query:?}");
        query.no_trigger = true;
        query.trigger = None;
        query.key = None;
        assert!(inbox.list(&query).await.unwrap().is_empty());
    }
    assert_eq!(inbox.dead_groups(10).await.unwrap().len(), 2);
}

pub(super) async fn a_timeline_tells_what_has_happened<E: Engine<Inbox: Inspect>>(
    bench: &Bench<'_, E>,
) {
    let inbox = bench.open().await;
    let keys = bench.store(&inbox, 1).await;
    drop(bench.claim(&inbox).await);
    bench.pass(bench.lease() + SOON).await;
    let claim = bench.claim(&inbox).await;
    bench.settle(&inbox, &claim, retry(SOON, true)).await;
    bench.pass(SOON).await;
    let claim = bench.claim(&inbox).await;
    bench.settle(&inbox, &claim, dead(DeadCause::Expired)).await;
    inbox.replay(&keys).await.unwrap();
    let timeline = inbox.timeline(keys[0]).await.unwrap();
    assert!(timeline.is_sorted_by_key(|event| event.at));
    let happened: Vec<_> = timeline.into_iter().map(|event| event.what).collect();
    assert_eq!(
        happened,
        [
            Happened::Stored,
            Happened::Claimed,
            Happened::Crashed,
            Happened::Claimed,
            Happened::Settled(retry(SOON, true)),
            Happened::Claimed,
            Happened::Settled(dead(DeadCause::Expired)),
            Happened::Replayed,
        ]
    );
    let unknown = bench.entry().key();
    assert!(inbox.timeline(unknown).await.unwrap().is_empty());
}

pub(super) async fn a_purged_grant_leaves_nothing_behind<E: Engine<Inbox: Inspect>>(
    bench: &Bench<'_, E>,
) {
    let inbox = bench.open().await;
    let of = |grant: &str| bench.entry_of("message.created", grant);
    let purged = of("g-1");
    bench.append(&inbox, purged.clone()).await;
    let claim = bench.claim(&inbox).await;
    bench
        .settle(&inbox, &claim, dead(DeadCause::Malformed))
        .await;
    bench.append(&inbox, of("g-1")).await;
    let claim = bench.claim(&inbox).await;
    for grant in ["g-1", "g-2"] {
        bench.append(&inbox, of(grant)).await;
    }
    // One is claimed, and ends as its handler says.
    assert_eq!(inbox.purge_grant("g-1").await.unwrap(), 2);
    bench.settle(&inbox, &claim, Settlement::Done).await;
    let query = Query {
        grant_id: Some("g-1".to_owned()),
        state: Some(EntryState::Ready),
        ..Query::default()
    };
    assert!(inbox.list(&query).await.unwrap().is_empty());
    assert_eq!(inbox.append(purged).await.unwrap(), Appended::Duplicate);
    assert_eq!(bench.claim(&inbox).await.entry.grant_id(), Some("g-2"));
}
