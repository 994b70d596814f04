//! What is kept, and for how long.

use std::time::Duration;

use rusqlite::Connection;
use tower_nylas::{
    inbox::{Browse, DeadCause, EntryState, Inspect, Query, Settlement},
    testing::VirtualClock,
};
use tower_nylas_kit::inbox::{Scratch, dead, entry, scenes::Growth};
use tower_nylas_sqlite::{SqliteInbox, SqliteInboxBuilder};

use crate::scratch::scratch;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// An inbox on virtual time, and its file.
async fn growth(
    scratch: &Scratch,
    set: impl FnOnce(SqliteInboxBuilder) -> SqliteInboxBuilder,
) -> Growth<SqliteInbox, impl AsyncFn(&str) -> i64> {
    let (file, clock) = (scratch.path("inbox.db"), VirtualClock::new());
    let builder = set(SqliteInbox::builder().clock(clock.clone()));
    let inbox = builder.open(&file).await.unwrap();
    let rows = async move |table: &str| {
        let file = Connection::open(&file).unwrap();
        let sql = format!("SELECT count(*) FROM {table}");
        file.query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    Growth::new(inbox, clock, rows)
}

#[tokio::test]
async fn what_is_done_leaves_its_key_for_the_window_and_nothing_else() {
    growth(&scratch(), |builder| builder).await.done().await;
}

#[tokio::test]
async fn dead_entries_are_kept_for_30_days_and_their_keys_with_them() {
    growth(&scratch(), |builder| builder).await.dead().await;
}

#[tokio::test]
async fn what_is_done_and_kept_can_be_replayed_until_it_makes_room() {
    let scratch = scratch();
    let keep = |builder: SqliteInboxBuilder| builder.keep_done(DAY, 100_000).max_bytes(400_000);
    growth(&scratch, keep).await.kept().await;
}

/// Also if it was dead when an operator saw it.
#[tokio::test]
async fn what_is_done_and_kept_is_not_replayed_as_what_is_dead() {
    let scratch = scratch();
    let keep = |builder: SqliteInboxBuilder| builder.keep_done(DAY, 100_000);
    let bench = growth(&scratch, keep).await;
    let (handled, buried) = (entry("n-1"), entry("n-2"));
    let keys = [handled.key(), buried.key()];
    bench.append(handled).await;
    bench.settle_next(Settlement::Done).await;
    bench.append(buried).await;
    bench.settle_next(dead()).await;
    assert_eq!(bench.inbox.replay_dead(&keys).await.unwrap(), 1);
    assert_eq!(bench.inbox.replay_dead(&keys).await.unwrap(), 0);
    let stats = bench.inbox.stats().await.unwrap();
    assert_eq!((stats.done, stats.ready), (1, 1), "{stats:?}");
    assert_eq!(bench.inbox.replay(&keys).await.unwrap(), 1);
}

#[tokio::test]
async fn a_timeline_is_bounded() {
    growth(&scratch(), |builder| builder).await.timeline().await;
}

#[tokio::test]
async fn a_claim_brings_a_bounded_amount_of_contents() {
    growth(&scratch(), |builder| builder).await.large().await;
}

/// What the README's lines for the `sqlite3` shell read.
#[tokio::test]
async fn dead_letters_are_readable_in_the_file() {
    let scratch = scratch();
    let bench = growth(&scratch, |builder| builder).await;
    let stored = entry("n-1");
    bench.append(stored.clone()).await;
    bench.settle_next(dead()).await;
    let file = Connection::open(scratch.path("inbox.db")).unwrap();
    let sql = "SELECT key, type, grant_id, cause, why, content FROM dead_letters";
    let row: [String; 6] = file
        .query_row(sql, [], |row| {
            let columns: rusqlite::Result<Vec<String>> = (0..6).map(|n| row.get(n)).collect();
            Ok(columns?.try_into().unwrap())
        })
        .unwrap();
    let key = stored.key().to_string();
    let content = String::from_utf8(stored.content().to_vec()).unwrap();
    assert_eq!(
        row,
        [
            &*key,
            "message.created",
            "g-1",
            "exhausted",
            "a reason",
            &content
        ]
    );
    let mut query = Query::default();
    query.state = Some(EntryState::Dead(DeadCause::Exhausted));
    assert_eq!(bench.inbox.list(&query).await.unwrap()[0].why, "a reason");
}
