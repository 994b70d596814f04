//! What the engine does not do, as its documentation says. If one of these fails, the engine has
//! become better than that.

use std::time::Duration;

use tower_nylas::inbox::{Appended, Browse, Inbox, Settlement};
use tower_nylas_kit::inbox::{entry, retry};

use crate::server::{builder, shared};

const LEASE: Duration = Duration::from_secs(1);

pub(crate) async fn a_claim_that_was_replaced_settles_all_the_same() {
    let inbox = builder().lease(LEASE).open(&shared().await).await.unwrap();
    inbox.append(entry("n-1")).await.unwrap();
    let stale = inbox.claim(1, LEASE).await.unwrap().remove(0);
    let claim = inbox.claim(1, LEASE * 5).await.unwrap().remove(0);
    assert_eq!(claim.crashes, 1);
    let settled = inbox.settle(&stale.receipt, Settlement::Done).await;
    assert!(settled.is_ok(), "{settled:?}");
    inbox
        .settle(&claim.receipt, Settlement::Done)
        .await
        .unwrap();
}

pub(crate) async fn a_key_is_forgotten_although_its_entry_waits() {
    let window = Duration::from_millis(500);
    let inbox = builder()
        .window(window)
        .open(&shared().await)
        .await
        .unwrap();
    inbox.append(entry("n-1")).await.unwrap();
    let mut appended = inbox.append(entry("n-1")).await.unwrap();
    assert_eq!(appended, Appended::Duplicate);
    // The server forgets at its own pace.
    while appended == Appended::Duplicate {
        tokio::time::sleep(window).await;
        appended = inbox.append(entry("n-1")).await.unwrap();
    }
    assert_eq!(inbox.stats().await.unwrap().ready, 2);
}

pub(crate) async fn what_was_put_off_counts_as_claimed() {
    let inbox = builder().open(&shared().await).await.unwrap();
    for number in 0..3 {
        inbox.append(entry(&format!("n-{number}"))).await.unwrap();
    }
    let claims = inbox.claim(2, LEASE).await.unwrap();
    let later = retry(Duration::from_secs(3600), false);
    inbox.settle(&claims[0].receipt, later).await.unwrap();
    let stats = inbox.stats().await.unwrap();
    assert_eq!((stats.ready, stats.waiting, stats.claimed), (1, 0, 2));
    assert!(stats.oldest_ready.is_some());
}
