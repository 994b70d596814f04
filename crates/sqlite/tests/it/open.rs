//! What cannot be opened gets one clear error, and stays as it is.

use std::{fs, path::Path};

use rusqlite::Connection;
use tower_nylas::inbox::{Browse, Inbox};
use tower_nylas_kit::inbox::entry;
use tower_nylas_sqlite::{OpenError, SqliteInbox};

use crate::scratch::scratch;

#[tokio::test]
async fn a_directory() {
    let scratch = scratch();
    let folder = scratch.path("folder");
    fs::create_dir(&folder).unwrap();
    let error = error_of(&folder).await;
    assert!(matches!(error, OpenError::Directory(_)), "{error:?}");
    let text = error.to_string();
    assert!(
        text.ends_with("folder is a directory: give the path of a file"),
        "{text}"
    );
    assert_eq!(scratch.names(), ["folder"]);
}

#[tokio::test]
async fn a_file_that_is_no_database() {
    let scratch = scratch();
    let file = scratch.path("notes.txt");
    let text = "what somebody has written, and more than a page of it\n".repeat(200);
    fs::write(&file, &text).unwrap();
    let error = error_of(&file).await;
    assert!(matches!(error, OpenError::NotADatabase(_)), "{error:?}");
    assert!(
        error
            .to_string()
            .ends_with("notes.txt is not a SQLite database")
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
    assert_eq!(scratch.names(), ["notes.txt"]);
}

#[tokio::test]
async fn a_database_of_another_application() {
    let scratch = scratch();
    let file = scratch.path("other.db");
    let other = Connection::open(&file).unwrap();
    other
        .execute_batch("CREATE TABLE precious (a); INSERT INTO precious VALUES (1);")
        .unwrap();
    drop(other);
    let before = fs::read(&file).unwrap();
    let error = error_of(&file).await;
    assert!(matches!(error, OpenError::Foreign(_)), "{error:?}");
    assert!(
        error
            .to_string()
            .ends_with("is a SQLite database of another application")
    );
    assert_eq!(fs::read(&file).unwrap(), before);
    assert_eq!(scratch.names(), ["other.db"]);
}

#[tokio::test]
async fn a_schema_of_a_later_version() {
    let scratch = scratch();
    let file = scratch.path("inbox.db");
    let inbox = SqliteInbox::open(&file).await.unwrap();
    inbox.append(entry("n-1")).await.unwrap();
    inbox.close().await;
    let later = Connection::open(&file).unwrap();
    later.pragma_update(None, "user_version", 99).unwrap();
    drop(later);
    let before = fs::read(&file).unwrap();
    let error = error_of(&file).await;
    assert!(
        matches!(
            error,
            OpenError::Newer {
                found: 99,
                known: 2
            }
        ),
        "{error:?}"
    );
    assert!(error.to_string().contains("version 99"), "{error}");
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[tokio::test]
async fn a_folder_that_is_not_there() {
    let scratch = scratch();
    let error = error_of(&scratch.path("nowhere/inbox.db")).await;
    assert!(matches!(error, OpenError::Other(..)), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains("nowhere/inbox.db cannot be opened: No such file"),
        "{text}"
    );
    assert!(scratch.names().is_empty());
}

/// A path is a path, whatever it looks like.
#[tokio::test]
async fn a_path_that_looks_like_a_uri() {
    let scratch = scratch();
    let file = scratch.path("file:inbox.db?mode=memory");
    let inbox = SqliteInbox::open(&file).await.unwrap();
    inbox.append(entry("n-1")).await.unwrap();
    inbox.close().await;
    let inbox = SqliteInbox::open(&file).await.unwrap();
    assert_eq!(inbox.stats().await.unwrap().ready, 1);
}

/// As processes that a deployment starts. Again and again, since few meet in the middle.
#[tokio::test]
async fn a_new_file_by_several_at_once() {
    for _ in 0..20 {
        let scratch = scratch();
        let file = scratch.path("inbox.db");
        let opening = (0..8).map(|_| tokio::spawn(SqliteInbox::open(file.clone())));
        let opening: Vec<_> = opening.collect();
        for (number, opening) in opening.into_iter().enumerate() {
            let inbox = opening.await.unwrap().unwrap();
            inbox.append(entry(&format!("n-{number}"))).await.unwrap();
            assert_eq!(inbox.stats().await.unwrap().ready, number as u64 + 1);
        }
    }
}

async fn error_of(path: &Path) -> OpenError {
    SqliteInbox::open(path).await.unwrap_err()
}

#[tokio::test]
async fn a_schema_of_the_version_before() {
    let scratch = scratch();
    let file = scratch.path("inbox.db");
    let inbox = SqliteInbox::open(&file).await.unwrap();
    inbox.append(entry("n-1")).await.unwrap();
    inbox.close().await;
    let earlier = Connection::open(&file).unwrap();
    let undo = "DROP INDEX dead_by_position; DROP INDEX dead_by_group; PRAGMA user_version = 1";
    earlier.execute_batch(undo).unwrap();
    drop(earlier);
    let inbox = SqliteInbox::open(&file).await.unwrap();
    assert_eq!(inbox.stats().await.unwrap().ready, 1);
    assert!(inbox.dead_groups(10).await.unwrap().is_empty());
    assert!(inbox.dead(None, 10).await.unwrap().is_empty());
    inbox.close().await;
}
