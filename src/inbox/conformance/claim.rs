use std::time::Duration;

use super::{
    Engine,
    bench::{Bench, SOON},
};
use crate::inbox::{Inbox, Settlement};

pub(super) async fn the_longest_due_come_first_and_no_more_than_asked_for<E: Engine>(
    bench: &Bench<'_, E>,
) {
    let inbox = bench.open().await;
    let keys = bench.store(&inbox, 5).await;
    let mut claimed = Vec::new();
    for _ in 0..3 {
        let claims = inbox.claim(2, Duration::ZERO).await.unwrap();
        assert!(claims.len() <= 2);
        claimed.extend(claims.iter().map(|claim| claim.entry.key()));
    }
    assert_eq!(claimed, keys);
}

pub(super) async fn an_entry_is_claimed_once_in_its_lease<E: Engine>(bench: &Bench<'_, E>) {
    let inbox = bench.open().await;
    bench.store(&inbox, 1).await;
    let claim = bench.claim(&inbox).await;
    assert!(claim.lease <= bench.lease() && !claim.lease.is_zero());
    bench.assert_nothing_is_due(&inbox.clone()).await;
    bench.pass(bench.lease() / 2).await;
    bench.assert_nothing_is_due(&inbox).await;
}

pub(super) async fn without_an_entry_it_waits_as_long_as_asked<E: Engine>(bench: &Bench<'_, E>) {
    let inbox = bench.open().await;
    let started = bench.now();
    let claims = inbox.claim(1, SOON).await.unwrap();
    assert!(claims.is_empty());
    let waited = bench.now().saturating_duration_since(started);
    assert!(waited >= SOON / 2, "only {waited:?}");
    // A claim of nothing is no claim.
    assert!(inbox.claim(0, Duration::ZERO).await.unwrap().is_empty());
}

pub(super) async fn it_ends_soon_after_the_first_entry<E: Engine>(bench: &Bench<'_, E>) {
    let inbox = bench.open().await;
    let (later, entry) = (inbox.clone(), bench.entry());
    let timer = bench.timer.clone();
    bench.spawn(Box::pin(async move {
        timer.sleep(SOON).await;
        later.append(entry).await.unwrap();
    }));
    let started = bench.now();
    let claims = inbox.claim(10, SOON * 100).await.unwrap();
    assert_eq!(claims.len(), 1);
    let waited = bench.now().saturating_duration_since(started);
    assert!(waited < SOON * 50, "{waited:?}");
}

pub(super) async fn what_was_not_settled_comes_again_and_counts_as_a_crash<E: Engine>(
    bench: &Bench<'_, E>,
) {
    let inbox = bench.open().await;
    let keys = bench.store(&inbox, 1).await;
    for crashes in 0..3 {
        let claim = bench.claim(&inbox).await;
        assert_eq!(claim.entry.key(), keys[0]);
        assert_eq!((claim.crashes, claim.failures), (crashes, 0));
        drop(claim);
        bench.pass(bench.lease() + SOON).await;
    }
    let claim = bench.claim(&inbox).await;
    bench.settle(&inbox, &claim, Settlement::Done).await;
    bench.pass(bench.lease() * 2).await;
    bench.assert_nothing_is_due(&inbox).await;
}

pub(super) async fn an_extended_lease_counts_from_then<E: Engine>(bench: &Bench<'_, E>) {
    let inbox = bench.open().await;
    bench.store(&inbox, 1).await;
    let claim = bench.claim(&inbox).await;
    for _ in 0..6 {
        bench.pass(bench.lease() / 3).await;
        inbox.extend(&claim.receipt).await.unwrap();
        bench.assert_nothing_is_due(&inbox).await;
    }
    bench.pass(bench.lease() + SOON).await;
    let claim = bench.claim(&inbox).await;
    assert_eq!(claim.crashes, 1);
}
