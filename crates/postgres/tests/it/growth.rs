//! What is kept, and for how long.

use std::time::Duration;

use tokio_postgres::Client;
use tower_nylas::{
    inbox::{
        AppendError, Appended, Browse, DeadCause, Entry, EntryState, Inbox, Inspect, Query,
        Settlement,
    },
    testing::VirtualClock,
};
use tower_nylas_postgres::{PostgresInbox, PostgresInboxBuilder};

use crate::{
    entries::{entry, large_entry},
    server::Server,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// An inbox on virtual time, in a schema of its own.
struct Bench {
    schema: &'static str,
    client: Client,
    clock: VirtualClock,
    inbox: PostgresInbox,
}

impl Bench {
    async fn new(
        server: &Server,
        schema: &'static str,
        set: impl FnOnce(PostgresInboxBuilder) -> PostgresInboxBuilder,
    ) -> Self {
        let clock = VirtualClock::new();
        let builder = PostgresInbox::builder().schema(schema).clock(clock.clone());
        Self {
            schema,
            client: server.connect().await,
            inbox: set(builder).open(server.url()).await.unwrap(),
            clock,
        }
    }

    async fn append(&self, entry: Entry) {
        assert_eq!(self.inbox.append(entry).await.unwrap(), Appended::New);
    }

    async fn settle_next(&self, settlement: Settlement) {
        let claim = self.inbox.claim(1, Duration::ZERO).await.unwrap().remove(0);
        self.inbox.settle(&claim.receipt, settlement).await.unwrap();
    }

    /// Waits until upkeep, which every call wakes once time has passed, has left so many rows.
    async fn wait_for(&self, table: &str, rows: i64) {
        let mut looks = 0;
        while self.rows(table).await != rows {
            let claims = self.inbox.claim(0, Duration::ZERO).await.unwrap();
            assert!(claims.is_empty());
            self.inbox.stats().await.unwrap();
            looks += 1;
            assert!(looks < 10_000, "{table}: {}", self.rows(table).await);
        }
    }

    async fn rows(&self, table: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {}.{table}", self.schema);
        self.client.query_one(&sql, &[]).await.unwrap().get(0)
    }

    async fn all_rows(&self) -> [i64; 4] {
        let mut rows = [0; 4];
        for (count, table) in rows.iter_mut().zip(["jobs", "bodies", "history", "keys"]) {
            *count = self.rows(table).await;
        }
        rows
    }
}

fn dead() -> Settlement {
    Settlement::Dead {
        cause: DeadCause::Exhausted,
        why: "a reason".to_owned(),
    }
}

pub(crate) async fn what_is_done_leaves_its_key_for_the_window_and_nothing_else(server: &Server) {
    let bench = Bench::new(server, "growth_done", |builder| builder).await;
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
    assert_eq!(bench.all_rows().await, [0, 0, 0, 300]);
    assert_eq!(bench.inbox.stats().await.unwrap().bytes, 0);
    bench.clock.advance(2 * DAY);
    let known = bench.inbox.append(entry("n-0")).await.unwrap();
    assert_eq!(known, Appended::Duplicate);
    bench.clock.advance(DAY);
    bench.wait_for("keys", 0).await;
}

pub(crate) async fn dead_entries_are_kept_for_30_days_and_their_keys_with_them(server: &Server) {
    let bench = Bench::new(server, "growth_dead", |builder| builder).await;
    bench.append(entry("n-dead")).await;
    bench.settle_next(dead()).await;
    bench.append(entry("n-ready")).await;
    bench.append(entry("n-done")).await;
    for claim in bench.inbox.claim(2, Duration::ZERO).await.unwrap() {
        let settlement = if claim.entry.key() == entry("n-done").key() {
            Settlement::Done
        } else {
            retry(false)
        };
        let settled = bench.inbox.settle(&claim.receipt, settlement).await;
        settled.unwrap();
    }
    bench.clock.advance(29 * DAY);
    // That of the one that is done goes, so this is what is left of the keys.
    bench.wait_for("keys", 2).await;
    let known = bench.inbox.append(entry("n-dead")).await.unwrap();
    assert_eq!(known, Appended::Duplicate);
    bench.clock.advance(2 * DAY);
    // What is not handled never goes.
    bench.wait_for("jobs", 1).await;
    assert_eq!(bench.rows("bodies").await, 1);
    assert_eq!(bench.inbox.stats().await.unwrap().dead, 0);
    bench.append(entry("n-dead")).await;
}

pub(crate) async fn what_is_done_and_kept_can_be_replayed_until_it_makes_room(server: &Server) {
    let keep = |builder: PostgresInboxBuilder| builder.keep_done(DAY, 100_000).max_bytes(400_000);
    let bench = Bench::new(server, "growth_kept", keep).await;
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
    bench.wait_for("jobs", 1).await;
    assert_eq!(bench.inbox.replay(&[first.key()]).await.unwrap(), 0);

    // Under pressure.
    let mut stored = 0;
    loop {
        let next = large_entry(&format!("p-{stored}"), 60_000);
        match bench.inbox.append(next).await {
            Ok(_) => stored += 1,
            Err(AppendError::Full) => break,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(stored >= 4, "{stored}");
    assert_eq!(bench.inbox.stats().await.unwrap().done, 0);
    // A redelivery of what is stored is no new entry.
    let again = bench.inbox.append(large_entry("p-0", 60_000)).await;
    assert_eq!(again.unwrap(), Appended::Duplicate);

    // By time.
    bench.settle_next(Settlement::Done).await;
    assert_eq!(bench.inbox.stats().await.unwrap().done, 1);
    bench.clock.advance(DAY);
    bench.wait_for("jobs", stored - 1).await;
    assert_eq!(bench.inbox.stats().await.unwrap().done, 0);
}

pub(crate) async fn a_timeline_is_bounded(server: &Server) {
    let bench = Bench::new(server, "growth_timeline", |builder| builder).await;
    let stored = entry("n-1");
    bench.append(stored.clone()).await;
    for _ in 0..40 {
        bench.settle_next(retry(true)).await;
    }
    assert_eq!(bench.rows("history").await, 32);
    assert_eq!(bench.inbox.timeline(stored.key()).await.unwrap().len(), 32);
}

pub(crate) async fn a_claim_brings_a_bounded_amount_of_contents(server: &Server) {
    let bench = Bench::new(server, "growth_claim", |builder| builder).await;
    for number in 0..5 {
        bench
            .append(large_entry(&format!("n-{number}"), 9 << 20))
            .await;
    }
    let mut counts = Vec::new();
    while let claims @ [_, ..] = &*bench.inbox.claim(100, Duration::ZERO).await.unwrap() {
        counts.push(claims.len());
    }
    assert_eq!(counts.iter().sum::<usize>(), 5);
    assert!(counts.len() > 1, "{counts:?}");
}

/// What the README's line for psql reads.
pub(crate) async fn dead_letters_are_readable_in_the_schema(server: &Server) {
    let bench = Bench::new(server, "growth_letters", |builder| builder).await;
    let stored = entry("n-1");
    bench.append(stored.clone()).await;
    bench.settle_next(dead()).await;
    let sql = "SELECT key, type, grant_id, cause, why, convert_from(content, 'UTF8') \
               FROM growth_letters.dead_letters";
    let row = bench.client.query_one(sql, &[]).await.unwrap();
    let columns: Vec<String> = (0..6).map(|column| row.get(column)).collect();
    let key = stored.key().to_string();
    let content = String::from_utf8(stored.content().to_vec()).unwrap();
    assert_eq!(
        columns,
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

fn retry(failed: bool) -> Settlement {
    Settlement::Retry {
        after: Duration::ZERO,
        failed,
        why: "it fails".to_owned(),
    }
}
