//! What happens when a file is closed, and when it is opened again.

use std::{sync::Arc, time::Duration};

use rusqlite::Connection;
use tower_nylas::{
    inbox::{AppendError, Appended, Browse, Inbox, SettleError, Settlement},
    testing::VirtualClock,
};
use tower_nylas_sqlite::SqliteInbox;

use crate::{
    entries::{entry, large_entry},
    scratch::Scratch,
};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// A process that died has left claims. If no other one has the file open, they end at once.
#[tokio::test]
async fn claims_of_the_dead_end_when_the_file_is_opened() {
    let scratch = Scratch::new();
    let file = scratch.path("inbox.db");
    let inbox = SqliteInbox::open(&file).await.unwrap();
    for id in ["n-1", "n-2", "n-3"] {
        inbox.append(entry(id)).await.unwrap();
    }
    let claims = inbox.claim(2, Duration::ZERO).await.unwrap();
    assert_eq!(claims.len(), 2);

    // Beside another one they may still be settled.
    let beside = SqliteInbox::open(&file).await.unwrap();
    assert_eq!(beside.claim(1, Duration::ZERO).await.unwrap()[0].crashes, 0);
    assert!(beside.claim(9, Duration::ZERO).await.unwrap().is_empty());
    beside.close().await;
    inbox.close().await;

    let inbox = SqliteInbox::open(&file).await.unwrap();
    let again = inbox.claim(9, Duration::ZERO).await.unwrap();
    let crashes: Vec<_> = again.iter().map(|claim| claim.crashes).collect();
    assert_eq!(crashes, [1, 1, 1]);
    assert_eq!(again[0].entry.key(), claims[0].entry.key());
    let stale = inbox.settle(&claims[0].receipt, Settlement::Done).await;
    assert!(matches!(stale, Err(SettleError::LeaseLost)), "{stale:?}");
}

#[tokio::test]
async fn a_closed_inbox_refuses_everything_and_has_let_go_of_the_file() {
    let scratch = Scratch::new();
    let file = scratch.path("inbox.db");
    let inbox = SqliteInbox::open(&file).await.unwrap();
    inbox.append(entry("n-1")).await.unwrap();
    let claim = inbox.claim(1, Duration::ZERO).await.unwrap().remove(0);
    let clone = inbox.clone();
    clone.close().await;
    // Closed again, nothing happens.
    inbox.close().await;
    assert_eq!(scratch.names(), ["inbox.db", "inbox.db-lock"]);

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

/// What was asked for is written before the file is closed.
#[tokio::test]
async fn what_waits_is_written_before_the_end() {
    let scratch = Scratch::new();
    let file = scratch.path("inbox.db");
    let inbox = SqliteInbox::open(&file).await.unwrap();
    let appends: Vec<_> = (0..600)
        .map(|number| {
            let inbox = inbox.clone();
            tokio::spawn(async move { inbox.append(entry(&format!("n-{number}"))).await })
        })
        .collect();
    tokio::task::yield_now().await;
    inbox.close().await;
    let mut stored = 0;
    for append in appends {
        match append.await.unwrap() {
            Ok(Appended::New) => stored += 1,
            Err(AppendError::Unavailable(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    let inbox = SqliteInbox::open(&file).await.unwrap();
    assert!(inbox.stats().await.unwrap().ready >= stored);
}

/// While a claim waits, the file is closed: the claim ends.
#[tokio::test]
async fn a_claim_that_waits_ends_with_the_inbox() {
    let scratch = Scratch::new();
    let inbox = SqliteInbox::open(scratch.path("inbox.db")).await.unwrap();
    let waiting = tokio::spawn({
        let inbox = inbox.clone();
        async move { inbox.claim(1, Duration::MAX).await }
    });
    tokio::task::yield_now().await;
    inbox.close().await;
    assert!(waiting.await.unwrap().is_err());
}

/// Hours in which no process ran count for what waits, and not for what is forgotten.
#[tokio::test]
async fn time_without_a_process() {
    let scratch = Scratch::new();
    let file = scratch.path("inbox.db");
    let clock = VirtualClock::new();
    let open = async |clock: &VirtualClock| {
        let builder = SqliteInbox::builder()
            .window(72 * HOUR)
            .clock(clock.clone());
        builder.open(&file).await.unwrap()
    };
    let inbox = open(&clock).await;
    inbox.append(entry("n-1")).await.unwrap();
    let claim = inbox.claim(1, Duration::ZERO).await.unwrap().remove(0);
    let retry = Settlement::Retry {
        after: 20 * HOUR,
        failed: true,
        why: "throttled".to_owned(),
    };
    inbox.settle(&claim.receipt, retry).await.unwrap();
    inbox.close().await;

    clock.advance(10 * HOUR);
    let inbox = open(&clock).await;
    assert!(inbox.claim(1, Duration::ZERO).await.unwrap().is_empty());
    inbox.close().await;

    // As a clock that is a year ahead for a while would have it.
    clock.advance(24 * 365 * HOUR);
    let inbox = open(&clock).await;
    let claim = inbox.claim(1, Duration::ZERO).await.unwrap().remove(0);
    assert_eq!(claim.failures, 1);
    assert!(claim.failing_for <= 3 * HOUR, "{:?}", claim.failing_for);
    inbox
        .settle(&claim.receipt, Settlement::Done)
        .await
        .unwrap();
    clock.advance(60 * HOUR);
    assert_eq!(
        inbox.append(entry("n-1")).await.unwrap(),
        Appended::Duplicate
    );
    clock.advance(13 * HOUR);
    assert_eq!(inbox.append(entry("n-1")).await.unwrap(), Appended::New);
}

/// As README.md has it: in the shell, while the inbox is in use.
#[tokio::test]
async fn a_backup_is_an_inbox() {
    let scratch = Scratch::new();
    let inbox = SqliteInbox::open(scratch.path("inbox.db")).await.unwrap();
    inbox.append(entry("n-1")).await.unwrap();
    inbox.append(entry("n-2")).await.unwrap();
    let claim = inbox.claim(1, Duration::ZERO).await.unwrap().remove(0);
    let shell = Connection::open(scratch.path("inbox.db")).unwrap();
    let backup = scratch.path("backup.db");
    shell
        .execute("VACUUM INTO ?1", [backup.to_str().unwrap()])
        .unwrap();
    inbox
        .settle(&claim.receipt, Settlement::Done)
        .await
        .unwrap();

    let restored = SqliteInbox::open(&backup).await.unwrap();
    let claims = restored.claim(9, Duration::ZERO).await.unwrap();
    assert_eq!(claims.len(), 2);
    assert_eq!(
        restored.append(entry("n-1")).await.unwrap(),
        Appended::Duplicate
    );
}

/// Files have had pages of 4 KiB, and keep them.
#[tokio::test]
async fn a_file_with_other_pages_is_an_inbox() {
    let scratch = Scratch::new();
    let file = scratch.path("inbox.db");
    let inbox = SqliteInbox::open(&file).await.unwrap();
    inbox.append(entry("n-1")).await.unwrap();
    inbox.close().await;
    let shell = Connection::open(&file).unwrap();
    let smaller = "PRAGMA journal_mode = delete; PRAGMA page_size = 4096; VACUUM;";
    shell.execute_batch(smaller).unwrap();
    drop(shell);

    let inbox = SqliteInbox::open(&file).await.unwrap();
    let large = large_entry("n-2", 100_000);
    inbox.append(large.clone()).await.unwrap();
    let claims = inbox.claim(9, Duration::ZERO).await.unwrap();
    assert_eq!(claims[1].entry.content(), large.content());
    inbox.close().await;
    let shell = Connection::open(&file).unwrap();
    let size = shell.pragma_query_value(None, "page_size", |row| row.get(0));
    assert_eq!(size, Ok(4096));
}

/// No runtime is needed, and none is asked for.
#[test]
fn it_runs_on_any_runtime() {
    let scratch = Scratch::new();
    let file = scratch.path("inbox.db");
    let appended = poll(async {
        let inbox = SqliteInbox::open(file).await.unwrap();
        let appended = inbox.append(entry("n-1")).await.unwrap();
        inbox.close().await;
        appended
    });
    assert_eq!(appended, Appended::New);
}

/// Polls a future in this thread, which sleeps until it is woken.
fn poll<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut context = std::task::Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            std::task::Poll::Ready(output) => return output,
            std::task::Poll::Pending => std::thread::park(),
        }
    }
}
