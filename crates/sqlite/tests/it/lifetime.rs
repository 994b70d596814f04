//! What happens when a file is closed, and when it is opened again.

use std::{sync::Arc, time::Duration};

use rusqlite::Connection;
use tower_nylas::{
    inbox::{Appended, Inbox, SettleError, Settlement},
    testing::VirtualClock,
};
use tower_nylas_kit::inbox::{entry, large_entry, scenes};
use tower_nylas_sqlite::SqliteInbox;

use crate::scratch::scratch;

/// A process that died has left claims. If no other one has the file open, they end at once.
#[tokio::test]
async fn claims_of_the_dead_end_when_the_file_is_opened() {
    let scratch = scratch();
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
    let scratch = scratch();
    let inbox = SqliteInbox::open(scratch.path("inbox.db")).await.unwrap();
    scenes::closed(inbox, async |inbox| {
        inbox.close().await;
        assert_eq!(scratch.names(), ["inbox.db", "inbox.db-lock"]);
    })
    .await;
}

#[tokio::test]
async fn what_waits_is_written_before_the_end() {
    let scratch = scratch();
    let open = async || SqliteInbox::open(scratch.path("inbox.db")).await.unwrap();
    scenes::written_before_the_end(open, SqliteInbox::close).await;
}

/// While a claim waits, the file is closed: the claim ends.
#[tokio::test]
async fn a_claim_that_waits_ends_with_the_inbox() {
    let scratch = scratch();
    let inbox = SqliteInbox::open(scratch.path("inbox.db")).await.unwrap();
    let waiting = tokio::spawn({
        let inbox = inbox.clone();
        async move { inbox.claim(1, Duration::MAX).await }
    });
    tokio::task::yield_now().await;
    inbox.close().await;
    assert!(waiting.await.unwrap().is_err());
}

#[tokio::test]
async fn time_without_a_process() {
    let scratch = scratch();
    let open = async |clock: VirtualClock| {
        let builder = SqliteInbox::builder().clock(clock);
        builder.open(scratch.path("inbox.db")).await.unwrap()
    };
    scenes::time_without_a_process(open, SqliteInbox::close).await;
}

/// As README.md has it: in the shell, while the inbox is in use.
#[tokio::test]
async fn a_backup_is_an_inbox() {
    let scratch = scratch();
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
    let scratch = scratch();
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
    let scratch = scratch();
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
