//! Callers of an engine, as fast as it goes.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{sync::watch, task::JoinSet, time::timeout};
use tower_nylas::inbox::{EntryKey, Inbox};

use super::entry;

/// How long it takes at most until enough is accepted, with servers that are killed meanwhile.
const PATIENCE: Duration = Duration::from_secs(180);

/// Tasks that append one entry after the other, each as often as it takes until it is accepted.
#[derive(Debug)]
pub struct Sending {
    shared: Arc<Shared>,
    senders: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    next: AtomicUsize,
    is_ending: AtomicBool,
    accepted: Mutex<Vec<EntryKey>>,
    count: watch::Sender<usize>,
    refused: AtomicUsize,
}

impl Sending {
    /// Over each of these inboxes so many tasks.
    pub fn start<I: Inbox>(inboxes: &[I], tasks: usize) -> Self {
        let shared = Arc::new(Shared {
            next: AtomicUsize::new(0),
            is_ending: AtomicBool::new(false),
            accepted: Mutex::default(),
            count: watch::Sender::new(0),
            refused: AtomicUsize::new(0),
        });
        let mut senders = JoinSet::new();
        for inbox in inboxes {
            for _ in 0..tasks {
                senders.spawn(send(inbox.clone(), shared.clone()));
            }
        }
        Self { shared, senders }
    }

    /// Returns when so many more were accepted.
    pub async fn wait_for_more(&self, count: usize) {
        let mut accepted = self.shared.count.subscribe();
        let end = *accepted.borrow() + count;
        let waiting = timeout(PATIENCE, accepted.wait_for(|count| *count >= end));
        waiting.await.expect("nothing is accepted").unwrap();
    }

    /// How many appends have failed.
    pub fn refused(&self) -> usize {
        self.shared.refused.load(Ordering::SeqCst)
    }

    /// Ends when what is under way was accepted. Returns the keys of all that were.
    pub async fn end(self) -> Vec<EntryKey> {
        self.shared.is_ending.store(true, Ordering::SeqCst);
        self.senders.join_all().await;
        std::mem::take(&mut *self.shared.accepted.lock().unwrap())
    }
}

async fn send<I: Inbox>(inbox: I, shared: Arc<Shared>) {
    while !shared.is_ending.load(Ordering::SeqCst) {
        let number = shared.next.fetch_add(1, Ordering::SeqCst);
        let entry = entry(&format!("n-{number}"));
        while inbox.append(entry.clone()).await.is_err() {
            shared.refused.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
        }
        shared.accepted.lock().unwrap().push(entry.key());
        shared.count.send_modify(|count| *count += 1);
    }
}
