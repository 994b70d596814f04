//! Deliveries of which the consumer does not know any more: what was handled is settled all the
//! same.

use std::{sync::Arc, time::Duration};

use tokio::sync::Notify;
use tower_nylas::{
    TriggerRouter, VerifiedBody,
    inbox::{Browse, Claimed, Delivery, EntryKey, Inbox, SettleError, Settlement},
};
use tower_nylas_kit::inbox::{Handled, Working, dead, entry, retry};
use tower_nylas_nats::NatsReceipt;

use crate::{
    kept::{Bench, SOON},
    server::{named, shared},
};

const PATIENCE: Duration = Duration::from_secs(60);

/// Settles as a worker does, until there is an answer.
async fn settle(
    bench: &Bench,
    receipt: &NatsReceipt,
    settlement: Settlement,
) -> Result<(), SettleError> {
    loop {
        match bench.inbox.settle(receipt, settlement.clone()).await {
            Err(SettleError::Unavailable(_)) => tokio::task::yield_now().await,
            answered => return answered,
        }
    }
}

/// Three of four entries, claimed.
async fn claim_three(bench: &Bench) -> Vec<Claimed<NatsReceipt>> {
    for number in 0..4 {
        let appended = bench.inbox.append(entry(&format!("n-{number}"))).await;
        appended.unwrap();
    }
    let claims = bench.inbox.claim(3, SOON).await.unwrap();
    assert_eq!(claims.len(), 3);
    claims
}

/// What was claimed is settled, and what was not comes.
async fn settle_three(bench: &Bench, claims: Vec<Claimed<NatsReceipt>>) {
    settle(bench, &claims[0].receipt, Settlement::Done)
        .await
        .unwrap();
    settle(bench, &claims[1].receipt, dead()).await.unwrap();
    let put_off = settle(bench, &claims[2].receipt, retry(Duration::ZERO, true)).await;
    assert!(
        matches!(put_off, Ok(()) | Err(SettleError::LeaseLost)),
        "{put_off:?}"
    );
    let mut left = Vec::<EntryKey>::new();
    while left.len() < 2 {
        let claim = bench.next().await;
        left.push(claim.entry.key());
        settle(bench, &claim.receipt, Settlement::Done)
            .await
            .unwrap();
    }
    left.sort_unstable();
    let mut expected = ["n-2", "n-3"].map(|id| entry(id).key());
    expected.sort_unstable();
    assert_eq!(left, expected);
    assert_eq!(bench.messages("").await, 0);
    let letters = bench.inbox.dead(None, 10).await.unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].key, entry("n-1").key());
}

async fn delete_consumer(bench: &Bench) {
    let stream = bench.context.get_stream(&bench.name).await.unwrap();
    stream.delete_consumer("workers").await.unwrap();
}

pub(crate) async fn the_consumer_was_deleted() {
    let bench = Bench::new("forgotten").await;
    let claims = claim_three(&bench).await;
    delete_consumer(&bench).await;
    settle_three(&bench, claims).await;
}

/// As after a server was killed that had not written what it has delivered: since 2.10 it does not
/// answer.
pub(crate) async fn the_consumer_was_created_again() {
    let bench = Bench::new("anew").await;
    let claims = claim_three(&bench).await;
    delete_consumer(&bench).await;
    named(&bench.name).open(&shared().await).await.unwrap();
    settle_three(&bench, claims).await;
}

/// What is at its place now is another one's, claimed or not.
pub(crate) async fn another_entry_at_the_place_stays() {
    for is_claimed in [false, true] {
        let bench = Bench::new(&format!("another_{is_claimed}")).await;
        bench.inbox.append(entry("n-old")).await.unwrap();
        let old = bench.next().await;
        bench.context.delete_stream(&bench.name).await.unwrap();
        let settled = bench.inbox.settle(&old.receipt, Settlement::Done).await;
        assert!(settled.is_err());
        let other = named(&bench.name).open(&shared().await).await.unwrap();
        other.append(entry("n-new")).await.unwrap();
        let claims = if is_claimed {
            other.claim(1, SOON).await.unwrap()
        } else {
            Vec::new()
        };
        settle(&bench, &old.receipt, Settlement::Done)
            .await
            .unwrap();
        assert_eq!(bench.messages("").await, 1);
        for claim in claims {
            other
                .settle(&claim.receipt, retry(Duration::ZERO, false))
                .await
                .unwrap();
        }
        let next = bench.next().await;
        assert_eq!(next.entry.key(), entry("n-new").key());
    }
}

/// All that a worker handles at a time is forgotten: it goes on with others.
pub(crate) async fn a_worker_goes_on() {
    let bench = Bench::new("stuck").await;
    for id in ["n-1", "n-2"] {
        bench.inbox.append(entry(id)).await.unwrap();
    }
    let handled = Handled::default();
    let (started, goes_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let router = TriggerRouter::new().fallback({
        let (handled, started, goes_on) = (handled.clone(), started.clone(), goes_on.clone());
        move |delivery: Option<Delivery>, _: VerifiedBody| {
            let (handled, started, goes_on) = (handled.clone(), started.clone(), goes_on.clone());
            async move {
                started.notify_one();
                goes_on.notified().await;
                handled.note(delivery.expect("it is behind a worker").key());
                goes_on.notify_one();
            }
        }
    });
    let working = Working::start(std::slice::from_ref(&bench.inbox), &router, 1);
    started.notified().await;
    delete_consumer(&bench).await;
    named(&bench.name).open(&shared().await).await.unwrap();
    goes_on.notify_one();
    let keys = ["n-1", "n-2"].map(|id| entry(id).key());
    handled.wait_for(&keys, PATIENCE).await;
    working.end().await;
    assert_eq!(bench.messages("").await, 0);
}
