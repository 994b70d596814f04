//! Several processes at one database.

use std::time::Duration;

use tokio::task::JoinSet;
use tower_nylas::{
    inbox::{Appended, Browse, Inbox},
    testing::VirtualClock,
};
use tower_nylas_kit::inbox::{Handled, Working, entry};
use tower_nylas_postgres::{PostgresInbox, PostgresInboxBuilder};

use crate::server::Server;

const REPLICAS: usize = 3;
const ENTRIES: usize = 1500;

pub(crate) async fn receivers_and_workers(server: &Server) {
    share(server.url(), "shared").await;
}

/// Of a role or a database under whose level any two statements that run at the same time may be in
/// the way of each other.
pub(crate) async fn receivers_and_workers_that_are_serializable(server: &Server) {
    let option = "options=-c%20default_transaction_isolation%3Dserializable";
    share(&format!("{}?{option}", server.url()), "serializable").await;
}

/// Each replica gets every entry, as if Nylas had sent all of them three times.
async fn share(url: &str, schema: &str) {
    let mut inboxes = Vec::new();
    for _ in 0..REPLICAS {
        let builder = PostgresInbox::builder().schema(schema);
        inboxes.push(builder.open(url).await.unwrap());
    }
    let handled = Handled::default();
    let working = Working::start(&inboxes, &handled.router(), 16);
    let mut appending = JoinSet::new();
    for number in 0..ENTRIES {
        for inbox in &inboxes {
            let (inbox, entry) = (inbox.clone(), entry(&format!("n-{number}")));
            appending.spawn(async move { inbox.append(entry).await.unwrap() });
        }
    }
    let appended = appending.join_all().await;
    let new = appended
        .iter()
        .filter(|appended| **appended == Appended::New);
    assert_eq!(new.count(), ENTRIES);
    // What is only claimed would be given back.
    while let stats = inboxes[0].stats().await.unwrap()
        && stats.ready + stats.waiting + stats.claimed > 0
    {
        tokio::task::yield_now().await;
    }
    working.end().await;
    for number in 0..ENTRIES {
        assert_eq!(handled.of(entry(&format!("n-{number}")).key()), 1);
    }
    let stats = inboxes[0].stats().await.unwrap();
    assert_eq!((stats.ready, stats.claimed, stats.dead), (0, 0, 0));
    assert_eq!(stats.bytes, 0);
    for inbox in inboxes {
        inbox.close().await;
    }
}

/// What one process stores, another one finds by polling, and its claims are its own.
pub(crate) async fn what_another_process_stores(server: &Server) {
    let open = async || {
        let builder = PostgresInbox::builder().schema("others");
        builder.open(server.url()).await.unwrap()
    };
    let (receiver, worker) = (open().await, open().await);
    let claiming = tokio::spawn({
        let worker = worker.clone();
        async move { worker.claim(9, Duration::from_secs(30)).await.unwrap() }
    });
    tokio::task::yield_now().await;
    receiver.append(entry("n-1")).await.unwrap();
    let claims = claiming.await.unwrap();
    assert_eq!(claims.len(), 1);
    assert!(receiver.claim(9, Duration::ZERO).await.unwrap().is_empty());
    // A receipt is good at every process.
    receiver.extend(&claims[0].receipt).await.unwrap();
    receiver.close().await;
    worker.close().await;
}

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Tells and listens, and never looks by itself.
fn that_is_told(schema: &str) -> PostgresInboxBuilder {
    let builder = PostgresInbox::builder().schema(schema);
    builder.poll_each(HOUR).notify()
}

/// Until so many processes listen.
async fn listeners(server: &Server, schema: &str, count: usize) {
    let sql = format!(
        "SELECT count(*) = {count} FROM pg_stat_activity WHERE query LIKE 'LISTEN \"{schema}\"%'"
    );
    server.wait_until(&sql).await;
}

async fn cut_listeners(server: &Server, schema: &str) {
    let cut = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE query LIKE 'LISTEN \"{schema}\"%'"
    );
    server.execute(&cut).await;
}

/// The claim of a worker that waits.
fn waits(worker: &PostgresInbox) -> tokio::task::JoinHandle<usize> {
    let worker = worker.clone();
    tokio::spawn(async move { worker.claim(9, HOUR).await.unwrap().len() })
}

async fn is_found(claiming: tokio::task::JoinHandle<usize>) {
    let claimed = tokio::time::timeout(Duration::from_secs(30), claiming).await;
    assert_eq!(claimed.expect("it is found").unwrap(), 1);
}

/// With `notify`, a process finds what another one stores although it does not look; also when it
/// has lost the connection over which it listens.
pub(crate) async fn what_another_process_tells(server: &Server) {
    let open = async || that_is_told("told").open(server.url()).await.unwrap();
    let (receiver, worker) = (open().await, open().await);
    for number in 0..3 {
        listeners(server, "told", 2).await;
        let claiming = waits(&worker);
        tokio::task::yield_now().await;
        let entry = entry(&format!("n-{number}"));
        receiver.append(entry).await.unwrap();
        is_found(claiming).await;
        cut_listeners(server, "told").await;
    }
    receiver.close().await;
    worker.close().await;
}

/// Nobody listens when it is told, so who listens next looks.
pub(crate) async fn what_is_told_while_nobody_listens(server: &Server) {
    let open = async || that_is_told("untold").open(server.url()).await.unwrap();
    let (receiver, worker) = (open().await, open().await);
    listeners(server, "untold", 2).await;
    let claiming = waits(&worker);
    cut_listeners(server, "untold").await;
    listeners(server, "untold", 0).await;
    receiver.append(entry("n-1")).await.unwrap();
    is_found(claiming).await;
    receiver.close().await;
    worker.close().await;
}

/// What cannot be told is stored all the same, and found by looking: here of a user who may not,
/// as where the server's queue of notices is full, since somebody listens in a transaction that
/// never ends.
pub(crate) async fn what_cannot_be_told(server: &Server) {
    PostgresInbox::open(server.url())
        .await
        .unwrap()
        .close()
        .await;
    server
        .execute(
            "REVOKE EXECUTE ON FUNCTION pg_notify(text, text) FROM PUBLIC; \
             CREATE ROLE mute LOGIN; GRANT USAGE ON SCHEMA nylas_inbox TO mute; \
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA nylas_inbox TO mute",
        )
        .await;
    let url = server.url().replace("tester", "mute");
    let receiver = PostgresInbox::builder().notify().open(&url).await.unwrap();
    let worker = PostgresInbox::builder()
        .notify()
        .open(server.url())
        .await
        .unwrap();
    for number in 0..20 {
        let appended = receiver
            .append(entry(&format!("n-{number}")))
            .await
            .unwrap();
        assert_eq!(appended, Appended::New);
        let claims = worker.claim(1, Duration::from_secs(30)).await.unwrap();
        assert_eq!(claims.len(), 1);
    }
    receiver.close().await;
    worker.close().await;
}

/// By the clock of the process that is told, what another one has stored is due a moment later
/// only.
pub(crate) async fn what_a_process_tells_whose_clock_is_ahead(server: &Server) {
    let clock = VirtualClock::new();
    let receiver = that_is_told("ahead").clock(clock.clone());
    let receiver = receiver.open(server.url()).await.unwrap();
    let worker = that_is_told("ahead").open(server.url()).await.unwrap();
    listeners(server, "ahead", 2).await;
    // What is told when they begin to listen is over.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let claiming = waits(&worker);
    tokio::task::yield_now().await;
    // It stands still otherwise, and follows the other one once a second.
    clock.advance(Duration::from_millis(1500));
    receiver.append(entry("n-1")).await.unwrap();
    is_found(claiming).await;
    receiver.close().await;
    worker.close().await;
}
