//! What happens when an inbox is closed, and when it is opened again.

use std::time::Duration;

use tower_nylas::{
    inbox::{AppendError, Appended, Browse, Inbox, SettleError, Settlement},
    testing::VirtualClock,
};

use crate::inbox::{entry, retry};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// A closed inbox refuses everything, and can be closed again.
pub async fn closed<I: Browse>(inbox: I, close: impl AsyncFn(&I)) {
    inbox.append(entry("n-1")).await.unwrap();
    let claim = inbox.claim(1, Duration::ZERO).await.unwrap().remove(0);
    let waiting = tokio::spawn({
        let inbox = inbox.clone();
        async move { inbox.claim(1, HOUR).await.map(|claims| claims.len()) }
    });
    tokio::task::yield_now().await;
    close(&inbox.clone()).await;
    close(&inbox).await;
    assert!(waiting.await.unwrap().is_err());

    let appended = inbox.append(entry("n-2")).await;
    assert!(
        matches!(appended, Err(AppendError::Unavailable(_))),
        "{appended:?}"
    );
    let settled = inbox.settle(&claim.receipt, Settlement::Done).await;
    assert!(
        matches!(settled, Err(SettleError::Unavailable(_))),
        "{settled:?}"
    );
    let error = inbox.claim(1, HOUR).await.unwrap_err();
    assert_eq!(error.to_string(), "the inbox is closed");
    assert_eq!(
        inbox.stats().await.unwrap_err().to_string(),
        "the inbox is closed"
    );
}

/// What was asked for is written before an inbox is closed.
pub async fn written_before_the_end<I: Browse>(open: impl AsyncFn() -> I, close: impl AsyncFn(&I)) {
    let inbox = open().await;
    let appends: Vec<_> = (0..600)
        .map(|number| {
            let inbox = inbox.clone();
            tokio::spawn(async move { inbox.append(entry(&format!("n-{number}"))).await })
        })
        .collect();
    tokio::task::yield_now().await;
    close(&inbox).await;
    let mut stored = 0;
    for append in appends {
        match append.await.unwrap() {
            Ok(Appended::New) => stored += 1,
            Err(AppendError::Unavailable(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    let inbox = open().await;
    assert!(inbox.stats().await.unwrap().ready >= stored);
    close(&inbox).await;
}

/// Hours in which no process ran count for what waits, and not for what is forgotten. The inbox has
/// a window of 72 hours.
pub async fn time_without_a_process<I: Inbox>(
    open: impl AsyncFn(VirtualClock) -> I,
    close: impl AsyncFn(&I),
) {
    let clock = VirtualClock::new();
    let open = async || open(clock.clone()).await;
    let inbox = open().await;
    inbox.append(entry("n-1")).await.unwrap();
    let claim = inbox.claim(1, Duration::ZERO).await.unwrap().remove(0);
    let later = retry(20 * HOUR, true);
    inbox.settle(&claim.receipt, later).await.unwrap();
    close(&inbox).await;

    clock.advance(10 * HOUR);
    let inbox = open().await;
    assert!(inbox.claim(1, Duration::ZERO).await.unwrap().is_empty());
    close(&inbox).await;

    // As a clock that is a year ahead for a while would have it.
    clock.advance(24 * 365 * HOUR);
    let inbox = open().await;
    let claim = inbox.claim(1, Duration::ZERO).await.unwrap().remove(0);
    assert_eq!(claim.failures, 1);
    assert!(claim.failing_for <= 3 * HOUR, "{:?}", claim.failing_for);
    let settled = inbox.settle(&claim.receipt, Settlement::Done).await;
    settled.unwrap();
    clock.advance(60 * HOUR);
    let appended = inbox.append(entry("n-1")).await;
    assert_eq!(appended.unwrap(), Appended::Duplicate);
    clock.advance(13 * HOUR);
    let appended = inbox.append(entry("n-1")).await;
    assert_eq!(appended.unwrap(), Appended::New);
    close(&inbox).await;
}
