//! Statements that wait, and servers that have no room.

use std::{collections::HashSet, time::Duration};

use tokio::task::JoinSet;
use tower_nylas::inbox::{Appended, Browse, Inbox, Settlement};
use tower_nylas_kit::inbox::entry;
use tower_nylas_postgres::PostgresInbox;

use crate::server::Server;

/// How long entries may take to be claimed: less than a lease.
const PATIENCE: Duration = Duration::from_secs(15);

/// Another session holds a lock for longer than any statement waits. There are no more connections
/// than the pool has, and when the lock goes, what they still do harms nothing.
pub(crate) async fn a_lock_that_is_held(server: &Server) {
    let url = format!("{}?application_name=locked", server.url());
    let inbox = PostgresInbox::builder().schema("locked");
    let inbox = inbox.open(&url).await.unwrap();
    for number in 0..3 {
        inbox.append(entry(&format!("n-{number}"))).await.unwrap();
    }
    let claim = inbox.claim(1, Duration::ZERO).await.unwrap().remove(0);

    let other = server.connect().await;
    let lock = "BEGIN; LOCK TABLE locked.jobs IN ACCESS EXCLUSIVE MODE";
    other.batch_execute(lock).await.unwrap();
    for number in 0..3 {
        let (first, second) = (entry(&format!("m-{number}")), entry(&format!("o-{number}")));
        let (first, second, claimed, settled, extended, stats) = tokio::join!(
            inbox.append(first),
            inbox.append(second),
            inbox.claim(1, Duration::ZERO),
            inbox.settle(&claim.receipt, Settlement::Done),
            inbox.extend(&claim.receipt),
            inbox.stats(),
        );
        let _ = (first.unwrap_err(), second.unwrap_err());
        let _ = (settled.unwrap_err(), extended.unwrap_err());
        let _ = (claimed.unwrap_err(), stats.unwrap_err());
    }
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'locked'";
    let count = server.number(sql).await;
    assert!(
        usize::try_from(count).unwrap() <= PostgresInbox::CONNECTIONS,
        "{count}"
    );

    other.batch_execute("COMMIT").await.unwrap();
    let is_idle = "SELECT bool_and(state = 'idle') FROM pg_stat_activity \
                   WHERE application_name = 'locked'";
    server.wait_until(is_idle).await;
    // Whatever of them was stored, is stored once.
    let mut wanted = HashSet::new();
    for name in ["m", "o"] {
        for number in 0..3 {
            let entry = entry(&format!("{name}-{number}"));
            inbox.append(entry.clone()).await.unwrap();
            assert_eq!(
                inbox.append(entry.clone()).await.unwrap(),
                Appended::Duplicate
            );
            wanted.insert(entry.key());
        }
    }
    // One of the first three is settled by now, or is given back when it is settled.
    wanted.extend([entry("n-1").key(), entry("n-2").key()]);
    let mut found = HashSet::new();
    let until = tokio::time::Instant::now() + PATIENCE;
    while !wanted.is_subset(&found) {
        assert!(tokio::time::Instant::now() < until, "{found:?}");
        for claimed in inbox.claim(9, Duration::from_secs(1)).await.unwrap() {
            assert_eq!(claimed.crashes, 0);
            found.insert(claimed.entry.key());
        }
    }
    inbox.close().await;
}

/// A lock on what appends need only: what is claimed can be extended and settled for as long as it
/// takes.
pub(crate) async fn a_lock_on_what_appends_need(server: &Server) {
    let inbox = PostgresInbox::builder().schema("locked_keys");
    let inbox = inbox.open(server.url()).await.unwrap();
    for number in 0..5 {
        inbox.append(entry(&format!("n-{number}"))).await.unwrap();
    }
    let claims = inbox.claim(5, Duration::ZERO).await.unwrap();
    let other = server.connect().await;
    let lock = "BEGIN; LOCK TABLE locked_keys.keys IN ACCESS EXCLUSIVE MODE";
    other.batch_execute(lock).await.unwrap();
    for (number, claim) in claims.iter().enumerate() {
        let (first, second) = (entry(&format!("m-{number}")), entry(&format!("o-{number}")));
        let (first, second) = tokio::join!(inbox.append(first), inbox.append(second));
        let _ = (first.unwrap_err(), second.unwrap_err());
        inbox.extend(&claim.receipt).await.unwrap();
        inbox
            .settle(&claim.receipt, Settlement::Done)
            .await
            .unwrap();
    }
    other.batch_execute("COMMIT").await.unwrap();
    inbox.close().await;
}

/// A lock on what claims need, too: those that are held can be extended.
pub(crate) async fn a_lock_on_what_claims_need(server: &Server) {
    let inbox = PostgresInbox::builder().schema("locked_bodies");
    let inbox = inbox.open(server.url()).await.unwrap();
    for number in 0..2 {
        inbox.append(entry(&format!("n-{number}"))).await.unwrap();
    }
    let held = inbox.claim(1, Duration::ZERO).await.unwrap().remove(0);
    let other = server.connect().await;
    let lock = "BEGIN; LOCK TABLE locked_bodies.bodies IN ACCESS EXCLUSIVE MODE";
    other.batch_execute(lock).await.unwrap();
    for number in 0..5 {
        let (first, second) = (entry(&format!("m-{number}")), entry(&format!("o-{number}")));
        let (first, second, claimed) = tokio::join!(
            inbox.append(first),
            inbox.append(second),
            inbox.claim(1, Duration::ZERO),
        );
        let _ = (first.unwrap_err(), second.unwrap_err());
        claimed.unwrap_err();
        inbox.extend(&held.receipt).await.unwrap();
    }
    other.batch_execute("COMMIT").await.unwrap();
    inbox.close().await;
}

/// A server with all connections that it may have, of which the inbox has some.
pub(crate) async fn a_server_without_room(server: &Server) {
    let inbox = PostgresInbox::open(server.url()).await.unwrap();
    inbox.append(entry("n-0")).await.unwrap();
    let mut others = Vec::new();
    while let Some(other) = Server::try_connect(server.url()).await {
        others.push(other);
    }
    assert!(!others.is_empty());
    // More calls at a time than it has connections.
    let mut looking = JoinSet::new();
    for _ in 0..4 * PostgresInbox::CONNECTIONS {
        let inbox = inbox.clone();
        looking.spawn(async move { inbox.stats().await });
    }
    for number in 1..50 {
        inbox.append(entry(&format!("n-{number}"))).await.unwrap();
        let claims = inbox.claim(1, Duration::ZERO).await.unwrap();
        let settled = inbox.settle(&claims[0].receipt, Settlement::Done).await;
        settled.unwrap();
    }
    for stats in looking.join_all().await {
        stats.unwrap();
    }
    drop(others);
    inbox.close().await;
}
