//! Three servers, of which one dies under load.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use tower_nylas::inbox::{Appended, Browse, Inbox, Settlement};
use tower_nylas_kit::inbox::{
    Handled, Sending, Working, entry,
    servers::{NatsServer, Sync, nats_version},
};
use tower_nylas_nats::{NatsInbox, OpenError};

use crate::server::restart;

const NODES: usize = 3;
const SYNC: Sync = Sync::Always;
const BETWEEN: usize = 200;
const CONCURRENCY: usize = 16;
const PATIENCE: Duration = Duration::from_secs(120);

const KEYS: usize = 30;
const AT_ONCE: usize = 16;

async fn start() -> (Vec<NatsServer>, NatsInbox) {
    let nodes = NatsServer::start_cluster(NODES, SYNC);
    let urls: Vec<String> = nodes.iter().map(NatsServer::url).collect();
    let inbox = open(&urls.join(",")).await;
    (nodes, inbox)
}

/// Opens an inbox as soon as the cluster has a leader.
async fn open(urls: &str) -> NatsInbox {
    let started = Instant::now();
    loop {
        let builder = NatsInbox::builder().name("cluster").max_bytes(1 << 28);
        match builder.lease(Duration::from_secs(3)).open(urls).await {
            Ok(inbox) => return inbox,
            Err(OpenError::Other(_) | OpenError::Unreachable(_)) => {}
            Err(other) => panic!("{other}"),
        }
        assert!(started.elapsed() < PATIENCE, "the cluster has no leader");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The leader waits for the others to store a message, and meanwhile says of the same one that it
/// is under way (2.11 and later) or a duplicate without a place.
pub(crate) async fn the_same_notification_at_once() {
    let (_nodes, inbox) = start().await;
    for number in 0..KEYS {
        let appending = (0..AT_ONCE).map(|_| {
            let inbox = inbox.clone();
            tokio::spawn(async move { inbox.append(entry(&format!("n-{number}"))).await })
        });
        let appending: Vec<_> = appending.collect();
        let mut new = 0;
        for appended in appending {
            new += usize::from(appended.await.unwrap().unwrap() == Appended::New);
        }
        assert_eq!(new, 1);
    }
    assert_eq!(inbox.stats().await.unwrap().ready, KEYS as u64);
    let mut claimed = HashSet::new();
    while claimed.len() < KEYS {
        // All that a claim can have, which such a cluster sends behind the word that it is
        // complete.
        for claim in inbox.claim(KEYS, PATIENCE).await.unwrap() {
            assert!(claimed.insert(claim.entry.key()));
            let settled = inbox.settle(&claim.receipt, Settlement::Done).await;
            settled.unwrap();
        }
    }
    let stats = inbox.stats().await.unwrap();
    assert_eq!((stats.ready, stats.claimed), (0, 0));
    inbox.close().await;
}

/// Nothing comes any more from the server that a client is connected to, and the connection stays
/// open.
pub(crate) async fn a_silent_server_is_left_for_another() {
    let nodes = NatsServer::start_cluster(NODES, SYNC);
    // It learns of the others from this one.
    let inbox = open(&nodes[0].url()).await;
    inbox.append(entry("n-1")).await.unwrap();
    nodes[0].pause();
    let going_on = async {
        while inbox.append(entry("n-2")).await.is_err() {
            tokio::task::yield_now().await;
        }
        let mut left = 2;
        while left > 0 {
            for claim in inbox.claim(2, PATIENCE).await.unwrap_or_default() {
                let settled = inbox.settle(&claim.receipt, Settlement::Done).await;
                left -= usize::from(settled.is_ok());
            }
        }
    };
    let going_on = tokio::time::timeout(PATIENCE, going_on).await;
    going_on.expect("the client stays with a silent server");
    nodes[0].resume();
    inbox.close().await;
}

/// Each of them in its turn, so that the leaders are among them.
pub(crate) async fn one_node_killed_under_load() {
    let (mut nodes, inbox) = start().await;
    let handled = Handled::default();
    let inboxes = [inbox.clone()];
    let working = Working::start(&inboxes, &handled.router(), CONCURRENCY);
    let sending = Sending::start(&inboxes, 16);
    for node in &mut nodes {
        sending.wait_for_more(BETWEEN).await;
        node.kill();
        // Two are enough.
        sending.wait_for_more(BETWEEN).await;
        restart(node).await;
        sending.wait_for_more(BETWEEN).await;
    }
    let refused = sending.refused();
    let accepted = sending.end().await;
    let again = match handled.try_wait_for(&accepted, PATIENCE).await {
        Ok(again) => again,
        // Seen once with 2.9.10, of 67,618. Whether it is stored shows when the servers, and so the
        // consumer's leader, are others; it is a failure in any case.
        Err(missing) => {
            let stats = inbox.stats().await;
            for node in &mut nodes {
                node.kill();
                restart(node).await;
            }
            let then = handled.try_wait_for(&accepted, PATIENCE).await;
            panic!("{missing} were not delivered ({stats:?}); by other leaders: {then:?}");
        }
    };
    println!(
        "{}, three replicas, {}, each node killed once: {} accepted, {refused} appends refused, \
         {again} handled again",
        nats_version(),
        SYNC.setting(),
        accepted.len()
    );
    working.end().await;
    assert_eq!(inbox.stats().await.unwrap().dead, 0);
    inbox.close().await;
}
