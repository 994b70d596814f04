//! Which file a path names, and whether it still does.

use std::{fs, path::Path, time::Duration};

use rusqlite::Connection;
use tower_nylas::inbox::{AppendError, Browse, Inbox};
use tower_nylas_kit::inbox::entry;
use tower_nylas_sqlite::{OpenError, SqliteInbox};

use crate::scratch::scratch;

#[cfg(unix)]
#[tokio::test]
async fn a_path_is_any_bytes() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    let scratch = scratch();
    for name in [&b" a b?c=d#e%20&'\".db"[..], b"\xff\xfe.db", b":memory:"] {
        let file = scratch.path("").join(OsStr::from_bytes(name));
        let inbox = SqliteInbox::open(&file).await.unwrap();
        inbox.append(entry("n-1")).await.unwrap();
        inbox.close().await;
        let inbox = SqliteInbox::open(&file).await.unwrap();
        assert_eq!(inbox.stats().await.unwrap().ready, 1);
    }
}

/// A process that uses another name of the file does not take the first one for dead.
#[cfg(unix)]
#[tokio::test]
async fn a_symbolic_link_is_the_file_itself() {
    let scratch = scratch();
    let (file, link) = (scratch.path("inbox.db"), scratch.path("link.db"));
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let inbox = SqliteInbox::open(&file).await.unwrap();
    inbox.append(entry("n-1")).await.unwrap();
    assert_eq!(inbox.claim(1, Duration::ZERO).await.unwrap().len(), 1);
    let beside = SqliteInbox::open(&link).await.unwrap();
    assert!(beside.claim(1, Duration::ZERO).await.unwrap().is_empty());
    assert!(!scratch.names().iter().any(|name| name == "link.db-lock"));
}

/// SQLite would have a log for each name, and neither knows of what is in the other.
#[cfg(unix)]
#[tokio::test]
async fn a_file_with_two_names_is_refused() {
    let scratch = scratch();
    let (file, link) = (scratch.path("inbox.db"), scratch.path("link.db"));
    let inbox = SqliteInbox::open(&file).await.unwrap();
    inbox.append(entry("n-1")).await.unwrap();
    fs::hard_link(&file, &link).unwrap();
    let error = SqliteInbox::open(&link).await.unwrap_err();
    assert!(matches!(error, OpenError::Other(..)), "{error:?}");
    assert!(error.to_string().contains("2 names"), "{error}");
}

/// As daemons do.
#[tokio::test]
async fn a_working_directory_that_changes() {
    let scratch = scratch();
    let [first, second] = ["first", "second"].map(|name| scratch.path(name));
    for folder in [&first, &second] {
        fs::create_dir(folder).unwrap();
    }
    let other = of_another_application(&second.join("inbox.db"));
    let before = std::env::current_dir().unwrap();
    // No other test has a path that is relative.
    std::env::set_current_dir(&first).unwrap();
    let inbox = SqliteInbox::open("inbox.db").await.unwrap();
    std::env::set_current_dir(&second).unwrap();
    inbox.append(entry("n-1")).await.unwrap();
    let stats = inbox.stats().await;
    inbox.close().await;
    std::env::set_current_dir(before).unwrap();
    assert_eq!(stats.unwrap().ready, 1);
    assert!(fs::read(second.join("inbox.db")).unwrap() == other);
}

/// What would be stored in a file that nobody finds any more is refused, and what is there in its
/// place is left alone.
#[cfg(unix)]
#[tokio::test]
async fn a_file_that_is_moved_away_stores_nothing() {
    let scratch = scratch();
    let (file, moved) = (scratch.path("inbox.db"), scratch.path("moved.db"));
    let inbox = SqliteInbox::open(&file).await.unwrap();
    inbox.append(entry("n-1")).await.unwrap();
    fs::rename(&file, &moved).unwrap();
    for other in [None, Some(&file)] {
        let other = other.map(|file| of_another_application(file));
        assert_is_unavailable(&inbox).await;
        assert!(inbox.stats().await.is_err());
        if let Some(other) = other {
            assert!(fs::read(&file).unwrap() == other);
        }
    }
    fs::rename(&moved, &file).unwrap();
    inbox.append(entry("n-2")).await.unwrap();
    assert_eq!(inbox.stats().await.unwrap().ready, 2);
}

/// What is deleted is no old log: it has what was stored last.
#[cfg(unix)]
#[tokio::test]
async fn a_log_that_is_deleted_takes_nothing_more() {
    let scratch = scratch();
    let file = scratch.path("inbox.db");
    let inbox = SqliteInbox::open(&file).await.unwrap();
    inbox.append(entry("n-1")).await.unwrap();
    fs::remove_file(scratch.path("inbox.db-wal")).unwrap();
    assert_is_unavailable(&inbox).await;
    assert!(inbox.stats().await.is_err());
    assert!(!scratch.names().iter().any(|name| name == "inbox.db-wal"));
    // Another program has begun another one.
    fs::write(scratch.path("inbox.db-wal"), "").unwrap();
    assert_is_unavailable(&inbox).await;
    fs::remove_file(scratch.path("inbox.db-wal")).unwrap();
    fs::remove_file(scratch.path("inbox.db-shm")).unwrap();
    assert_is_unavailable(&inbox).await;
    // It is closed as it should be, and so nothing is lost.
    inbox.close().await;
    let inbox = SqliteInbox::open(&file).await.unwrap();
    assert_eq!(inbox.stats().await.unwrap().ready, 1);
    inbox.append(entry("n-2")).await.unwrap();
}

async fn assert_is_unavailable(inbox: &SqliteInbox) {
    let appended = inbox.append(entry("n-2")).await;
    assert!(
        matches!(appended, Err(AppendError::Unavailable(_))),
        "{appended:?}"
    );
}

/// Its bytes.
fn of_another_application(file: &Path) -> Vec<u8> {
    let scratch = scratch();
    let elsewhere = scratch.path("other.db");
    let other = Connection::open(&elsewhere).unwrap();
    other.execute_batch("CREATE TABLE precious (a);").unwrap();
    drop(other);
    fs::copy(elsewhere, file).unwrap();
    fs::read(file).unwrap()
}
