//! Several processes at one database.

use std::time::Duration;

use tokio::task::JoinSet;
use tower_nylas::inbox::{Appended, Browse, Inbox};
use tower_nylas_kit::inbox::{Handled, Working, entry};
use tower_nylas_postgres::PostgresInbox;

use crate::server::Server;

const REPLICAS: usize = 3;
const ENTRIES: usize = 1500;

/// Each replica gets every entry, as if Nylas had sent all of them three times.
pub(crate) async fn receivers_and_workers(server: &Server) {
    let mut inboxes = Vec::new();
    for _ in 0..REPLICAS {
        let builder = PostgresInbox::builder().schema("shared");
        inboxes.push(builder.open(server.url()).await.unwrap());
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

/// With `notify`, a process finds what another one stores although it does not look; also when it
/// has lost the connection over which it listens.
pub(crate) async fn what_another_process_tells(server: &Server) {
    const HOUR: Duration = Duration::from_secs(60 * 60);
    let open = async || {
        let builder = PostgresInbox::builder().schema("told").poll_each(HOUR);
        builder.notify().open(server.url()).await.unwrap()
    };
    let (receiver, worker) = (open().await, open().await);
    let listening = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN \"told\"%'";
    let client = server.connect().await;
    for number in 0..3 {
        while client
            .query_one(listening, &[])
            .await
            .unwrap()
            .get::<_, i64>(0)
            < 2
        {
            tokio::task::yield_now().await;
        }
        let claiming = tokio::spawn({
            let worker = worker.clone();
            async move { worker.claim(9, HOUR).await.unwrap() }
        });
        tokio::task::yield_now().await;
        receiver
            .append(entry(&format!("n-{number}")))
            .await
            .unwrap();
        let claims = tokio::time::timeout(Duration::from_secs(60), claiming).await;
        assert_eq!(claims.unwrap().unwrap().len(), 1);
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE query LIKE 'LISTEN \"told\"%'";
        client.batch_execute(cut).await.unwrap();
    }
    receiver.close().await;
    worker.close().await;
}
