use std::time::Duration;

use super::{
    Engine,
    bench::{Bench, SOON, assert_without_effect, dead, retry},
    passed_over,
};
use crate::inbox::{DeadCause, Inbox, SettleError, Settlement};

pub(super) async fn done_is_the_end<E: Engine>(bench: &Bench<'_, E>) {
    let inbox = bench.open().await;
    bench.store(&inbox, 1).await;
    let claim = bench.claim(&inbox).await;
    bench.settle(&inbox, &claim, Settlement::Done).await;
    bench.pass(bench.lease() * 3).await;
    bench.assert_nothing_is_due(&inbox).await;
}

pub(super) async fn a_retry_comes_again_after_its_time<E: Engine>(bench: &Bench<'_, E>) {
    let inbox = bench.open().await;
    let keys = bench.store(&inbox, 1).await;
    let claim = bench.claim(&inbox).await;
    bench
        .settle(&inbox, &claim, retry(bench.lease() * 2, true))
        .await;
    bench.pass(bench.lease()).await;
    bench.assert_nothing_is_due(&inbox).await;
    bench.pass(bench.lease() + SOON).await;
    assert_eq!(bench.claim(&inbox).await.entry.key(), keys[0]);
}

pub(super) async fn failures_are_counted_from_the_first_on<E: Engine>(bench: &Bench<'_, E>) {
    let inbox = bench.open().await;
    bench.store(&inbox, 1).await;
    let mut first = None;
    for failures in 0..4 {
        let claim = bench.claim(&inbox).await;
        assert_eq!((claim.crashes, claim.failures), (0, failures));
        let passed = first.map(|first| bench.now().saturating_duration_since(first));
        let passed = passed.unwrap_or(Duration::ZERO);
        let error = claim.failing_for.abs_diff(passed);
        assert!(error <= SOON * 2, "{:?} and {passed:?}", claim.failing_for);
        bench
            .settle(&inbox, &claim, retry(bench.lease(), true))
            .await;
        first.get_or_insert(bench.now());
        bench.pass(bench.lease()).await;
    }
}

pub(super) async fn to_wait_is_neither_a_failure_nor_a_crash<E: Engine>(bench: &Bench<'_, E>) {
    let inbox = bench.open().await;
    bench.store(&inbox, 1).await;
    for _ in 0..4 {
        let claim = bench.claim(&inbox).await;
        assert_eq!((claim.crashes, claim.failures), (0, 0));
        assert!(claim.failing_for.is_zero());
        bench.settle(&inbox, &claim, retry(SOON, false)).await;
        bench.assert_nothing_is_due(&inbox).await;
        bench.pass(SOON).await;
    }
}

pub(super) async fn to_wait_sets_nothing_back<E: Engine>(bench: &Bench<'_, E>) {
    let inbox = bench.open().await;
    bench.store(&inbox, 1).await;
    drop(bench.claim(&inbox).await);
    bench.pass(bench.lease() + SOON).await;
    let claim = bench.claim(&inbox).await;
    bench.settle(&inbox, &claim, retry(SOON, true)).await;
    bench.pass(SOON).await;
    for _ in 0..2 {
        let claim = bench.claim(&inbox).await;
        assert_eq!((claim.crashes, claim.failures), (1, 1));
        assert!(claim.failing_for >= SOON / 2, "{:?}", claim.failing_for);
        bench
            .settle(&inbox, &claim, retry(Duration::ZERO, false))
            .await;
    }
}

pub(super) async fn what_is_given_back_is_due_at_once<E: Engine>(bench: &Bench<'_, E>) {
    let inbox = bench.open().await;
    bench.store(&inbox, 3).await;
    let claims = bench.claims(&inbox).await;
    for claim in &claims {
        bench
            .settle(&inbox, claim, retry(Duration::ZERO, false))
            .await;
    }
    let again = inbox.claim(10, SOON).await.unwrap();
    assert_eq!((claims.len(), again.len()), (3, 3));
}

pub(super) async fn dead_does_not_come_again<E: Engine>(bench: &Bench<'_, E>) {
    let inbox = bench.open().await;
    for cause in DeadCause::ALL {
        bench.store(&inbox, 1).await;
        let claim = bench.claim(&inbox).await;
        bench.settle(&inbox, &claim, dead(cause)).await;
    }
    bench.pass(bench.lease() * 3).await;
    bench.assert_nothing_is_due(&inbox).await;
}

/// An answer of the engine may be lost, and then the worker settles once more.
pub(super) async fn a_settlement_can_be_repeated<E: Engine>(bench: &Bench<'_, E>) {
    for settlement in [
        Settlement::Done,
        retry(bench.lease(), true),
        dead(DeadCause::Malformed),
    ] {
        let inbox = bench.open().await;
        bench.store(&inbox, 1).await;
        let claim = bench.claim(&inbox).await;
        bench.settle(&inbox, &claim, settlement.clone()).await;
        for _ in 0..2 {
            assert_without_effect(&inbox.settle(&claim.receipt, settlement.clone()).await);
        }
        assert_without_effect(&inbox.extend(&claim.receipt).await);
        bench.assert_nothing_is_due(&inbox).await;
        bench.pass(bench.lease() + SOON).await;
        if let Settlement::Retry { .. } = settlement {
            let claim = bench.claim(&inbox).await;
            assert_eq!((claim.crashes, claim.failures), (0, 1));
        } else {
            bench.assert_nothing_is_due(&inbox).await;
        }
    }
}

pub(super) async fn a_lease_that_has_run_out_still_settles<E: Engine>(bench: &Bench<'_, E>) {
    let inbox = bench.open().await;
    bench.store(&inbox, 1).await;
    let claim = bench.claim(&inbox).await;
    bench.pass(bench.lease() * 2).await;
    bench.settle(&inbox, &claim, Settlement::Done).await;
    // Without fencing, the entry may be on its way to another claim already.
    if bench.engine.fences() {
        bench.assert_nothing_is_due(&inbox).await;
    }
}

pub(super) async fn a_replaced_claim_settles_nothing<E: Engine>(bench: &Bench<'_, E>) {
    if !bench.engine.fences() {
        return passed_over("a replaced claim settles nothing");
    }
    for settlement in [
        Settlement::Done,
        retry(Duration::ZERO, true),
        dead(DeadCause::Crashed),
    ] {
        let inbox = bench.open().await;
        bench.store(&inbox, 1).await;
        let stale = bench.claim(&inbox).await;
        bench.pass(bench.lease() + SOON).await;
        let claim = bench.claim(&inbox).await;
        for refused in [
            inbox.extend(&stale.receipt).await,
            inbox.settle(&stale.receipt, settlement).await,
        ] {
            assert!(
                matches!(refused, Err(SettleError::LeaseLost)),
                "{refused:?}"
            );
        }
        bench.assert_nothing_is_due(&inbox).await;
        inbox.extend(&claim.receipt).await.unwrap();
        bench
            .settle(&inbox, &claim, retry(Duration::ZERO, true))
            .await;
        let again = bench.claim(&inbox).await;
        assert_eq!((again.crashes, again.failures), (1, 1));
        // Nor does it when the entry is settled and claimed anew.
        let refused = inbox.settle(&claim.receipt, Settlement::Done).await;
        assert!(
            matches!(refused, Err(SettleError::LeaseLost)),
            "{refused:?}"
        );
    }
}
