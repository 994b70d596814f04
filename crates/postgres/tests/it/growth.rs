//! What is kept, and for how long.

use std::time::Duration;

use tower_nylas::{
    inbox::{DeadCause, EntryState, Inbox, Inspect, Query},
    testing::VirtualClock,
};
use tower_nylas_kit::inbox::{dead, entry, scenes::Growth};
use tower_nylas_postgres::{PostgresInbox, PostgresInboxBuilder};

use crate::server::Server;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// An inbox on virtual time, in a schema of its own.
async fn growth(
    server: &Server,
    schema: &str,
    set: impl FnOnce(PostgresInboxBuilder) -> PostgresInboxBuilder,
) -> Growth<PostgresInbox, impl AsyncFn(&str) -> i64> {
    let clock = VirtualClock::new();
    let builder = PostgresInbox::builder().schema(schema).clock(clock.clone());
    let inbox = set(builder).open(server.url()).await.unwrap();
    let (client, schema) = (server.connect().await, schema.to_owned());
    let rows = async move |table: &str| {
        let sql = format!("SELECT count(*) FROM {schema}.{table}");
        client.query_one(&sql, &[]).await.unwrap().get(0)
    };
    Growth::new(inbox, clock, rows)
}

pub(crate) async fn what_is_done_leaves_its_key_for_the_window_and_nothing_else(server: &Server) {
    let bench = growth(server, "growth_done", |builder| builder).await;
    bench.done().await;
}

pub(crate) async fn dead_entries_are_kept_for_30_days_and_their_keys_with_them(server: &Server) {
    let bench = growth(server, "growth_dead", |builder| builder).await;
    bench.dead().await;
}

pub(crate) async fn what_is_done_and_kept_can_be_replayed_until_it_makes_room(server: &Server) {
    let keep = |builder: PostgresInboxBuilder| builder.keep_done(DAY, 100_000).max_bytes(400_000);
    growth(server, "growth_kept", keep).await.kept().await;
}

pub(crate) async fn a_timeline_is_bounded(server: &Server) {
    let bench = growth(server, "growth_timeline", |builder| builder).await;
    bench.timeline().await;
}

pub(crate) async fn a_claim_brings_a_bounded_amount_of_contents(server: &Server) {
    let bench = growth(server, "growth_claim", |builder| builder).await;
    bench.large().await;
}

/// Of large ones, an operator sees as many as go into memory, and the others on the next page. What
/// they take stands in the table, so that none has to be made.
pub(crate) async fn a_look_brings_a_bounded_amount_of_contents(server: &Server) {
    let inbox = PostgresInbox::builder().schema("growth_look");
    let inbox = inbox.open(server.url()).await.unwrap();
    for number in 0..3 {
        inbox.append(entry(&format!("n-{number}"))).await.unwrap();
    }
    let take = async |bytes: u32| {
        let sql = format!("UPDATE growth_look.jobs SET size = {bytes}");
        server.execute(&sql).await;
    };
    take(15 << 20).await;
    let mut query = Query::default();
    let page = inbox.list(&query).await.unwrap();
    assert_eq!(page.len(), 2);
    query.before = Some(page[1].position);
    let next = inbox.list(&query).await.unwrap();
    assert_eq!(next.len(), 1);
    query.before = Some(next[0].position);
    assert!(inbox.list(&query).await.unwrap().is_empty());
    // One is shown, however large it is.
    take(40 << 20).await;
    query.before = None;
    assert_eq!(inbox.list(&query).await.unwrap().len(), 1);
    take(1000).await;
    assert_eq!(inbox.list(&query).await.unwrap().len(), 3);
    inbox.close().await;
}

/// Of a grant whose entries are scattered among more than one statement looks at.
pub(crate) async fn a_large_grant_is_purged(server: &Server) {
    let inbox = PostgresInbox::builder().schema("growth_purge");
    let inbox = inbox.open(server.url()).await.unwrap();
    inbox.append(entry("n-1")).await.unwrap();
    let copies = "INSERT INTO growth_purge.jobs \
                      (position, key, at_ms, stored_unix_ms, size, grant_id) \
                  SELECT 10 + n, key, at_ms, stored_unix_ms, 0, 'g-' || n % 5 \
                  FROM growth_purge.jobs, generate_series(1, 40000) AS n WHERE position = 1";
    server.execute(copies).await;
    assert_eq!(inbox.purge_grant("g-3").await.unwrap(), 8000);
    assert_eq!(inbox.purge_grant("g-3").await.unwrap(), 0);
    let left = "SELECT count(*) FROM growth_purge.jobs";
    assert_eq!(server.number(left).await, 32_001);
    inbox.close().await;
}

/// What the README's line for psql reads.
pub(crate) async fn dead_letters_are_readable_in_the_schema(server: &Server) {
    let bench = growth(server, "growth_letters", |builder| builder).await;
    let stored = entry("n-1");
    bench.append(stored.clone()).await;
    bench.settle_next(dead()).await;
    let sql = "SELECT key, type, grant_id, cause, why, convert_from(content, 'UTF8') \
               FROM growth_letters.dead_letters";
    let row = server.connect().await.query_one(sql, &[]).await.unwrap();
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
