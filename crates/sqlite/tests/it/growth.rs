//! What is kept, and for how long.

use std::time::Duration;

use rusqlite::Connection;
use tower_nylas::{
    inbox::{
        AppendError, Appended, Browse, DeadCause, Entry, EntryState, Inbox, Inspect, Query,
        Settlement,
    },
    testing::VirtualClock,
};
use tower_nylas_sqlite::{SqliteInbox, SqliteInboxBuilder};

use crate::{
    entries::{entry, large_entry},
    scratch::Scratch,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// An inbox on virtual time, and its file.
struct Bench {
    scratch: Scratch,
    clock: VirtualClock,
    inbox: SqliteInbox,
}

impl Bench {
    async fn new(set: impl FnOnce(SqliteInboxBuilder) -> SqliteInboxBuilder) -> Self {
        let (scratch, clock) = (Scratch::new(), VirtualClock::new());
        let builder = set(SqliteInbox::builder().clock(clock.clone()));
        let inbox = builder.open(scratch.path("inbox.db")).await.unwrap();
        Self {
            scratch,
            clock,
            inbox,
        }
    }

    async fn append(&self, entry: Entry) {
        assert_eq!(self.inbox.append(entry).await.unwrap(), Appended::New);
    }

    async fn settle_next(&self, settlement: Settlement) {
        let claim = self.inbox.claim(1, Duration::ZERO).await.unwrap().remove(0);
        self.inbox.settle(&claim.receipt, settlement).await.unwrap();
    }

    /// Every round of the writer prunes a little: rounds until nothing is left to be pruned.
    async fn prune(&self) {
        for _ in 0..20 {
            assert!(
                self.inbox
                    .claim(0, Duration::ZERO)
                    .await
                    .unwrap()
                    .is_empty()
            );
        }
    }

    fn rows(&self, table: &str) -> i64 {
        let file = Connection::open(self.scratch.path("inbox.db")).unwrap();
        file.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
            row.get(0)
        })
        .unwrap()
    }
}

fn dead() -> Settlement {
    Settlement::Dead {
        cause: DeadCause::Exhausted,
        why: "a reason".to_owned(),
    }
}

#[tokio::test]
async fn what_is_done_leaves_its_key_for_the_window_and_nothing_else() {
    let bench = Bench::new(|builder| builder).await;
    for number in 0..300 {
        bench.append(entry(&format!("n-{number}"))).await;
    }
    for claim in bench.inbox.claim(300, Duration::ZERO).await.unwrap() {
        bench
            .inbox
            .settle(&claim.receipt, Settlement::Done)
            .await
            .unwrap();
    }
    let rows = || ["jobs", "bodies", "history", "keys"].map(|table| bench.rows(table));
    assert_eq!(rows(), [0, 0, 0, 300]);
    bench
        .clock
        .advance(Duration::from_secs(3 * 24 * 60 * 60 - 1));
    bench.prune().await;
    assert_eq!(rows(), [0, 0, 0, 300]);
    bench.clock.advance(Duration::from_secs(60));
    bench.prune().await;
    assert_eq!(rows(), [0, 0, 0, 0]);
}

#[tokio::test]
async fn dead_entries_are_kept_for_30_days_and_their_keys_with_them() {
    let bench = Bench::new(|builder| builder).await;
    bench.append(entry("n-dead")).await;
    bench.settle_next(dead()).await;
    bench.append(entry("n-ready")).await;
    bench.clock.advance(29 * DAY);
    bench.prune().await;
    assert_eq!(bench.rows("keys"), 2);
    assert_eq!(
        bench.inbox.append(entry("n-dead")).await.unwrap(),
        Appended::Duplicate
    );
    bench.clock.advance(2 * DAY);
    bench.prune().await;
    assert_eq!(bench.inbox.stats().await.unwrap().dead, 0);
    // What is not handled never goes.
    assert_eq!(
        ["jobs", "bodies", "history"].map(|table| bench.rows(table)),
        [1, 1, 0]
    );
    bench.append(entry("n-dead")).await;
}

#[tokio::test]
async fn what_is_done_and_kept_can_be_replayed_until_it_makes_room() {
    let bench = Bench::new(|builder| builder.keep_done(DAY, 100_000).max_bytes(400_000)).await;
    let first = large_entry("n-1", 60_000);
    bench.append(first.clone()).await;
    bench.settle_next(Settlement::Done).await;
    assert_eq!(bench.inbox.stats().await.unwrap().done, 1);
    let timeline = bench.inbox.timeline(first.key()).await.unwrap();
    assert_eq!(timeline.len(), 3, "{timeline:?}");
    assert_eq!(bench.inbox.replay(&[first.key()]).await.unwrap(), 1);
    bench.settle_next(Settlement::Done).await;

    // By bytes.
    bench.append(large_entry("n-2", 60_000)).await;
    bench.settle_next(Settlement::Done).await;
    bench.clock.advance(Duration::from_secs(2));
    bench.prune().await;
    let stats = bench.inbox.stats().await.unwrap();
    assert_eq!(stats.done, 1, "{stats:?}");
    assert_eq!(bench.inbox.replay(&[first.key()]).await.unwrap(), 0);

    // Under pressure.
    let mut stored = 0;
    loop {
        match bench
            .inbox
            .append(large_entry(&format!("p-{stored}"), 60_000))
            .await
        {
            Ok(_) => stored += 1,
            Err(AppendError::Full) => break,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(stored >= 4, "{stored}");
    assert_eq!(bench.inbox.stats().await.unwrap().done, 0);
    // A redelivery of what is stored is no new entry.
    assert_eq!(
        bench
            .inbox
            .append(large_entry("p-0", 60_000))
            .await
            .unwrap(),
        Appended::Duplicate
    );

    // By time.
    bench.settle_next(Settlement::Done).await;
    bench.clock.advance(DAY);
    bench.prune().await;
    assert_eq!(bench.inbox.stats().await.unwrap().done, 0);
}

#[tokio::test]
async fn a_timeline_is_bounded() {
    let bench = Bench::new(|builder| builder).await;
    let stored = entry("n-1");
    bench.append(stored.clone()).await;
    for _ in 0..40 {
        let retry = Settlement::Retry {
            after: Duration::ZERO,
            failed: true,
            why: "it fails".to_owned(),
        };
        bench.settle_next(retry).await;
    }
    assert_eq!(bench.rows("history"), 32);
    assert_eq!(bench.inbox.timeline(stored.key()).await.unwrap().len(), 32);
}

#[tokio::test]
async fn a_claim_brings_a_bounded_amount_of_contents() {
    let bench = Bench::new(|builder| builder).await;
    for number in 0..5 {
        bench
            .append(large_entry(&format!("n-{number}"), 9 << 20))
            .await;
    }
    let mut counts = Vec::new();
    while let claims @ [_, ..] = &*bench.inbox.claim(100, Duration::ZERO).await.unwrap() {
        counts.push(claims.len());
    }
    assert_eq!(counts, [3, 2]);
}

/// What the README's lines for the `sqlite3` shell read.
#[tokio::test]
async fn dead_letters_are_readable_in_the_file() {
    let bench = Bench::new(|builder| builder).await;
    let stored = entry("n-1");
    bench.append(stored.clone()).await;
    bench.settle_next(dead()).await;
    let file = Connection::open(bench.scratch.path("inbox.db")).unwrap();
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
