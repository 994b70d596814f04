//! A server that dies and comes back: what was accepted is handled.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{oneshot, watch},
    task::JoinSet,
};
use tower_nylas::{
    TriggerRouter, VerifiedBody,
    inbox::{Browse, Delivery, EntryKey, Inbox, Worker},
};
use tower_nylas_postgres::PostgresInbox;

use crate::{entries::entry, server::Server};

const SENDERS: usize = 16;

/// How often it is killed, and after how many more entries.
const KILLS: usize = 5;
const BETWEEN: usize = 300;

/// How long all of them may take to be handled after the last start.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was handled, and how often.
#[derive(Clone, Default)]
pub(crate) struct Handled(Arc<Mutex<HashMap<EntryKey, usize>>>);

impl Handled {
    pub(crate) fn router(&self) -> TriggerRouter {
        let handled = self.clone();
        TriggerRouter::new().fallback(move |delivery: Option<Delivery>, _: VerifiedBody| {
            let key = delivery.map(|delivery| delivery.key());
            let handled = handled.clone();
            async move {
                let key = key.expect("it is behind a worker");
                *handled.0.lock().unwrap().entry(key).or_default() += 1;
            }
        })
    }

    pub(crate) fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    pub(crate) fn of(&self, key: EntryKey) -> usize {
        self.0.lock().unwrap().get(&key).copied().unwrap_or(0)
    }
}

struct Load {
    next: AtomicUsize,
    is_ending: AtomicBool,
    accepted: Mutex<Vec<EntryKey>>,
    count: watch::Sender<usize>,
    refused: AtomicUsize,
}

/// Appends one entry after the other, each as often as it takes.
async fn send(inbox: PostgresInbox, load: Arc<Load>) {
    while !load.is_ending.load(Ordering::SeqCst) {
        let number = load.next.fetch_add(1, Ordering::SeqCst);
        let entry = entry(&format!("n-{number}"));
        while inbox.append(entry.clone()).await.is_err() {
            load.refused.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
        }
        load.accepted.lock().unwrap().push(entry.key());
        load.count.send_modify(|count| *count += 1);
    }
}

pub(crate) async fn killed_under_load() {
    let mut server = Server::start(&[]).await;
    let inbox = PostgresInbox::builder()
        .lease(Duration::from_secs(2))
        .open(server.url())
        .await
        .unwrap();
    let handled = Handled::default();
    let (stop, stopped) = oneshot::channel::<()>();
    let worker = Worker::new(inbox.clone(), handled.router()).concurrency(16);
    let working = tokio::spawn(worker.run_until(async {
        let _ = stopped.await;
    }));
    let load = Arc::new(Load {
        next: AtomicUsize::new(0),
        is_ending: AtomicBool::new(false),
        accepted: Mutex::default(),
        count: watch::Sender::new(0),
        refused: AtomicUsize::new(0),
    });
    let mut senders = JoinSet::new();
    for _ in 0..SENDERS {
        senders.spawn(send(inbox.clone(), load.clone()));
    }
    let mut count = load.count.subscribe();
    for _ in 0..KILLS {
        let end = *count.borrow() + BETWEEN;
        count.wait_for(|count| *count >= end).await.unwrap();
        server.kill();
        server.restart().await;
    }
    let end = *count.borrow() + BETWEEN;
    count.wait_for(|count| *count >= end).await.unwrap();
    load.is_ending.store(true, Ordering::SeqCst);
    senders.join_all().await;

    let accepted = std::mem::take(&mut *load.accepted.lock().unwrap());
    let end = tokio::time::Instant::now() + PATIENCE;
    while handled.count() < accepted.len() && tokio::time::Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let missing = accepted.iter().filter(|key| handled.of(**key) == 0);
    assert_eq!(missing.count(), 0, "of {} accepted", accepted.len());
    let again = accepted.iter().filter(|key| handled.of(**key) > 1).count();
    let refused = load.refused.load(Ordering::SeqCst);
    println!(
        "{KILLS} kills: {} accepted, {refused} appends refused, {again} handled again",
        accepted.len()
    );
    assert!(refused > 0);
    // Those that were being handled or settled at a kill.
    assert!(again <= KILLS * 16, "{again}");
    let _ = stop.send(());
    working.await.unwrap().unwrap();
    let stats = inbox.stats().await.unwrap();
    assert_eq!((stats.ready, stats.claimed, stats.dead), (0, 0, 0));
    assert_eq!(stats.bytes, 0);
    inbox.close().await;
}

/// Connections end, and the next call has another one.
pub(crate) async fn connections_that_are_cut(server: &Server) {
    let builder = PostgresInbox::builder().schema("cut");
    let inbox = builder.open(server.url()).await.unwrap();
    let other = server.connect().await;
    for number in 0..5 {
        let entry = entry(&format!("n-{number}"));
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE application_name = 'tower-nylas'";
        other.batch_execute(cut).await.unwrap();
        // As a client that sends again what was refused.
        let mut tries = 0;
        while let Err(why) = inbox.append(entry.clone()).await {
            tries += 1;
            assert!(tries < 100, "{why}");
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(inbox.stats().await.unwrap().ready, 5);
    inbox.close().await;
}
