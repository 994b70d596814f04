//! What is kept, and for how long.

use std::time::Duration;

use tower_nylas::{
    inbox::{DeadCause, EntryState, Inspect, Query},
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
