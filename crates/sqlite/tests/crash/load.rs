//! Nylas, over 16 connections, as fast as it goes.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{sync::watch, task::JoinSet};
use tower_nylas_kit::{
    delivery::{delivery, notification_of},
    wire::Connection,
};

const CONNECTIONS: usize = 16;
const SIZE: usize = 2_000;

/// A sender in the background.
pub(crate) struct Load {
    shared: Arc<Shared>,
    accepted: watch::Receiver<usize>,
    senders: JoinSet<()>,
}

struct Shared {
    addresses: watch::Sender<Vec<SocketAddr>>,
    accepted: Mutex<Vec<String>>,
    count: watch::Sender<usize>,
    /// What was not answered `200`, to be sent again.
    refused: Mutex<VecDeque<usize>>,
    refusals: AtomicUsize,
    next: AtomicUsize,
    is_ending: AtomicBool,
}

impl Load {
    pub(crate) fn start(address: SocketAddr) -> Self {
        let (count, accepted) = watch::channel(0);
        let shared = Arc::new(Shared {
            addresses: watch::Sender::new(vec![address]),
            accepted: Mutex::default(),
            count,
            refused: Mutex::default(),
            refusals: AtomicUsize::new(0),
            next: AtomicUsize::new(0),
            is_ending: AtomicBool::new(false),
        });
        let mut senders = JoinSet::new();
        for number in 0..CONNECTIONS {
            senders.spawn(send(shared.clone(), number));
        }
        Self {
            shared,
            accepted,
            senders,
        }
    }

    /// Sends to these addresses from now on, each by its share of the connections.
    pub(crate) fn send_to(&self, addresses: &[SocketAddr]) {
        self.shared.addresses.send_replace(addresses.to_vec());
    }

    /// Returns when so many more were accepted.
    pub(crate) async fn wait_for_more(&self, count: usize) {
        let mut accepted = self.accepted.clone();
        let end = *accepted.borrow() + count;
        accepted.wait_for(|count| *count >= end).await.unwrap();
    }

    /// How many answers were others than `200`.
    pub(crate) fn refused(&self) -> usize {
        self.shared.refusals.load(Ordering::SeqCst)
    }

    /// Sends again what was not accepted, and returns the ids of all that were.
    pub(crate) async fn end(self) -> Vec<String> {
        self.shared.is_ending.store(true, Ordering::SeqCst);
        self.senders.join_all().await;
        std::mem::take(&mut *lock(&self.shared.accepted))
    }
}

async fn send(shared: Arc<Shared>, number: usize) {
    let mut addresses = shared.addresses.subscribe();
    loop {
        let address = {
            let addresses = addresses.borrow_and_update();
            addresses[number % addresses.len()]
        };
        // Until something fails, or another address has come.
        let Ok(mut connection) = Connection::try_open(address).await else {
            // A process that was killed has a successor soon.
            let _ = addresses.changed().await;
            continue;
        };
        while !addresses.has_changed().unwrap_or(false) && connection.is_reusable() {
            let Some(next) = shared.next() else { return };
            if !shared.exchange(&mut connection, next).await {
                break;
            }
        }
    }
}

impl Shared {
    fn next(&self) -> Option<usize> {
        let refused = lock(&self.refused).pop_front();
        refused.or_else(|| {
            let is_ending = self.is_ending.load(Ordering::SeqCst);
            (!is_ending).then(|| self.next.fetch_add(1, Ordering::SeqCst))
        })
    }

    /// Whether there was an answer.
    async fn exchange(&self, connection: &mut Connection, number: usize) -> bool {
        let id = format!("n-{number}");
        match post(connection, &id).await {
            Some(200) => {
                lock(&self.accepted).push(id);
                self.count.send_modify(|count| *count += 1);
                true
            }
            other => {
                lock(&self.refused).push_back(number);
                let is_answer = other.is_some();
                self.refusals.fetch_add(is_answer.into(), Ordering::SeqCst);
                is_answer
            }
        }
    }
}

/// The status of the answer; `None` without one.
async fn post(connection: &mut Connection, id: &str) -> Option<u16> {
    let body = notification_of("message.created", id, 1, SIZE);
    let answer = connection
        .try_exchange(&[&delivery(&body)], Duration::ZERO)
        .await;
    Some(answer.ok()?.status.as_u16())
}

/// How many of so many were accepted, over one connection.
pub(crate) async fn send_one_by_one(address: SocketAddr, count: usize) -> usize {
    let mut connection = Connection::open(address).await;
    let mut accepted = 0;
    for number in 0..count {
        let status = post(&mut connection, &format!("n-{number}")).await;
        accepted += usize::from(status == Some(200));
    }
    accepted
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
