//! An inbox that is away for a while, and another one beside it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tower_nylas::{
    TriggerRouter, VerifiedBody, WebhookLayer, WebhookSecret,
    inbox::{Browse, Delivery, Enqueue, Entry, EntryKey, Inbox, Worker, assume_verified},
    testing,
};

use crate::{
    delivery::{SECRET, notification, proven},
    inbox::Handled,
};

/// Of secrets without one.
const LABEL: &str = "default";

/// Who send at the same time.
pub const SENDERS: usize = 8;

/// How many are accepted before the outage, in it, and after it.
const EACH: usize = 300;

/// How long the main inbox may take to store in place of the other one.
const TIMEOUT: Duration = Duration::from_millis(500);

/// How long it takes at most until all is back in the main one, and handled.
const PATIENCE: Duration = Duration::from_secs(60);

/// What became of the notifications, of which none was lost.
#[derive(Debug, Clone, Copy)]
pub struct Spilled {
    pub accepted: usize,
    /// Which the other inbox had at the end of the outage.
    pub spilled: u64,
    /// How many were handled more than once.
    pub again: usize,
}

/// When a notification was sent, and when it was accepted, in milliseconds.
type Times = Arc<Mutex<HashMap<EntryKey, (Duration, Duration)>>>;

/// Sends notifications before, during and after an outage of the main inbox. All that were accepted
/// are handled, from the main inbox, with the times when they were received.
pub async fn spill<M: Browse, L: Browse>(
    main: M,
    local: L,
    goes_away: impl AsyncFnOnce(),
    comes_back: impl AsyncFnOnce(),
) -> Spilled {
    let (handled, received) = (Handled::default(), Arc::<Mutex<HashMap<_, _>>>::default());
    let note = {
        let (handled, received) = (handled.clone(), received.clone());
        move |delivery: Option<Delivery>, _: VerifiedBody| {
            let delivery = delivery.expect("it is behind a worker");
            let at = delivery.received_at();
            received.lock().unwrap().insert(delivery.key(), at);
            handled.note(delivery.key());
            std::future::ready(())
        }
    };
    let stop = watch::Sender::new(());
    let mut working = JoinSet::new();
    let stopped = || {
        let mut stopped = stop.subscribe();
        async move {
            let _ = stopped.changed().await;
        }
    };
    let triggers = TriggerRouter::new().fallback(note);
    working.spawn(Worker::new(main.clone(), triggers).run_until(stopped()));
    let forward = Enqueue::new(main.clone()).timeout(TIMEOUT).forwarding();
    working.spawn(Worker::new(local.clone(), forward).run_until(stopped()));

    let sending = Sending::start(&main, &local);
    sending.wait_for_more(EACH).await;
    goes_away().await;
    sending.wait_for_more(EACH).await;
    let spilled = open_in(&local).await;
    assert!(spilled > 0, "nothing was spilled");
    comes_back().await;
    let end = Instant::now() + PATIENCE;
    while open_in(&local).await > 0 {
        assert!(Instant::now() < end, "it is not moved back");
        sleep(Duration::from_millis(50)).await;
    }
    // By itself the main inbox is the one again.
    sending.wait_for_more(EACH).await;
    let times = sending.end().await;
    assert_eq!(open_in(&local).await, 0);
    let keys: Vec<EntryKey> = times.keys().copied().collect();
    let again = handled.wait_for(&keys, PATIENCE).await;
    let received = std::mem::take(&mut *received.lock().unwrap());
    for (key, (sent, accepted)) in &times {
        let at = received[key];
        assert!(
            *sent <= at && at <= *accepted,
            "{sent:?} {at:?} {accepted:?}"
        );
    }
    stop.send_replace(());
    for ended in working.join_all().await {
        ended.unwrap();
    }
    assert_eq!(local.stats().await.unwrap().dead, 0);
    Spilled {
        accepted: times.len(),
        spilled,
        again,
    }
}

async fn open_in(inbox: &impl Browse) -> u64 {
    let stats = inbox.stats().await.unwrap();
    stats.ready + stats.waiting + stats.claimed
}

struct Sending {
    count: watch::Sender<usize>,
    is_ending: Arc<AtomicBool>,
    times: Times,
    senders: JoinSet<()>,
}

impl Sending {
    fn start(main: &impl Inbox, local: &impl Inbox) -> Self {
        let enqueue = Enqueue::new(main.clone())
            .timeout(TIMEOUT)
            .or(local.clone());
        let endpoint = WebhookLayer::new(proven()).layer(enqueue);
        let secret = WebhookSecret::new(SECRET).unwrap();
        let nylas = testing::Nylas::new(endpoint, secret);
        let (count, next) = (watch::Sender::new(0), Arc::new(AtomicUsize::new(0)));
        let (is_ending, times) = (Arc::<AtomicBool>::default(), Times::default());
        let mut senders = JoinSet::new();
        for _ in 0..SENDERS {
            let (mut nylas, next, times) = (nylas.clone(), next.clone(), times.clone());
            let (count, is_ending) = (count.clone(), is_ending.clone());
            senders.spawn(async move {
                while !is_ending.load(Ordering::SeqCst) {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    let body = Bytes::from(notification("message.created", &format!("n-{number}")));
                    let verified = assume_verified(body.clone(), LABEL);
                    let key = Entry::new(&verified, Duration::ZERO).key();
                    // An earlier attempt can have been stored, and its answer lost.
                    let sent = now();
                    loop {
                        if nylas.deliver(body.clone()).await.is_accepted() {
                            times.lock().unwrap().insert(key, (sent, now()));
                            break;
                        }
                        tokio::task::yield_now().await;
                    }
                    count.send_modify(|count| *count += 1);
                }
            });
        }
        Self {
            count,
            is_ending,
            times,
            senders,
        }
    }

    async fn wait_for_more(&self, more: usize) {
        let mut count = self.count.subscribe();
        let end = *count.borrow() + more;
        let waiting = timeout(PATIENCE, count.wait_for(|count| *count >= end));
        waiting.await.expect("nothing is accepted").unwrap();
    }

    async fn end(self) -> HashMap<EntryKey, (Duration, Duration)> {
        self.is_ending.store(true, Ordering::SeqCst);
        self.senders.join_all().await;
        std::mem::take(&mut *self.times.lock().unwrap())
    }
}

/// As an entry has it.
fn now() -> Duration {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap();
    Duration::from_millis(u64::try_from(now.as_millis()).unwrap())
}
