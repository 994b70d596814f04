//! A panic in one of the threads.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tower_nylas::{
    inbox::{AppendError, Browse, Inbox},
    testing::VirtualClock,
    time::Clock,
};
use tower_nylas_kit::inbox::entry;
use tower_nylas_sqlite::SqliteInbox;

use crate::scratch::scratch;

/// A clock that panics when it is told to.
#[derive(Clone, Default)]
struct Panicking {
    clock: VirtualClock,
    panics: Arc<AtomicBool>,
}

impl Clock for Panicking {
    fn now(&self) -> Instant {
        assert!(!self.panics.load(Ordering::SeqCst), "the clock panics");
        self.clock.now()
    }

    fn unix_time(&self) -> Duration {
        self.clock.unix_time()
    }
}

#[tokio::test]
async fn a_panic_is_an_error_and_ends_with_its_cause() {
    let (scratch, clock) = (scratch(), Panicking::default());
    let builder = SqliteInbox::builder().clock(clock.clone());
    let inbox = builder.open(scratch.path("inbox.db")).await.unwrap();
    let waiting = tokio::spawn({
        let inbox = inbox.clone();
        async move { inbox.claim(1, Duration::from_secs(3600)).await }
    });
    tokio::task::yield_now().await;
    clock.panics.store(true, Ordering::SeqCst);
    let claimed = waiting.await.unwrap();
    assert!(claimed.unwrap_err().to_string().contains("panicked"));
    let appended = inbox.append(entry("n-1")).await;
    assert!(
        matches!(appended, Err(AppendError::Unavailable(_))),
        "{appended:?}"
    );
    assert!(
        inbox
            .stats()
            .await
            .unwrap_err()
            .to_string()
            .contains("panicked")
    );
    clock.panics.store(false, Ordering::SeqCst);
    inbox.append(entry("n-1")).await.unwrap();
    assert_eq!(inbox.stats().await.unwrap().ready, 1);
    clock.panics.store(true, Ordering::SeqCst);
    let closed = tokio::time::timeout(Duration::from_secs(10), inbox.close()).await;
    assert!(closed.is_ok(), "it does not end");
}
