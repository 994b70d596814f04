//! The genuine sender: many notifications of all sizes, each repeated as Nylas would, only sooner.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use http::StatusCode;
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep, timeout},
};
use tower_nylas::{
    WebhookSecret,
    testing::{Nylas, nylas::Retried},
};

use crate::{
    delivery::{PATH, UUID, delivery_signed, notification_of},
    wire::{Answer, Connection, head},
};

const ATTEMPTS: u32 = Nylas::<()>::ATTEMPTS;

/// From the first byte of the connection on.
const ANSWER_TIMEOUT: Duration = Nylas::<()>::DEADLINE;

/// Before the next attempt. Nylas waits minutes.
const WAITS: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(1)];

/// From a bare notification to the largest mail that Nylas does not truncate.
const SIZES: [usize; 8] = [600, 2_000, 2_000, 10_000, 2_000, 100_000, 20_000, 1_000_000];

/// The largest of them.
pub const LARGEST: usize = 1_000_000;

/// Every third delivery comes in this many frames with a pause behind each.
const FRAMES: usize = 8;
const PAUSE: Duration = Duration::from_millis(15);

/// How it went.
#[derive(Debug, Default)]
pub struct Record {
    /// Notifications that have come to an end, good or bad.
    pub sent: u64,
    pub at_once: u64,
    pub retried: u64,
    pub lost: u64,
    /// What went wrong with single attempts.
    pub causes: BTreeMap<String, u64>,
    /// Of the attempts that were answered with 200.
    pub latencies: Vec<Duration>,
    pub challenges: u64,
    /// Nylas never repeats one.
    pub challenges_failed: u64,
}

#[derive(Debug, Clone)]
pub struct Sender {
    address: SocketAddr,
    secret: WebhookSecret,
    record: Arc<Mutex<Record>>,
}

impl Sender {
    pub fn new(address: SocketAddr, secret: &str) -> io::Result<Self> {
        Ok(Self {
            address,
            secret: WebhookSecret::new(secret).map_err(io::Error::other)?,
            record: Arc::default(),
        })
    }

    pub fn record(&self) -> MutexGuard<'_, Record> {
        self.record
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Delivers about so many notifications a second over so many lanes, for so long, and returns
    /// when the last one has come to its end.
    pub async fn run(&self, rate: u32, lanes: u32, time: Duration) {
        let end = Instant::now() + time;
        let mut all = JoinSet::new();
        for lane in 0..lanes {
            let (sender, every) = (self.clone(), Duration::from_secs(1) * lanes / rate);
            all.spawn(async move {
                sleep(every * lane / lanes).await;
                sender.lane(lane, every, end).await;
            });
        }
        let challenger = self.clone();
        all.spawn(async move { challenger.challenges(end).await });
        all.join_all().await;
    }

    /// One notification after the other. Half of the lanes keep their connection.
    async fn lane(&self, lane: u32, every: Duration, end: Instant) {
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut kept = None;
        for number in 0.. {
            ticks.tick().await;
            if Instant::now() >= end {
                return;
            }
            let turn = number + lane as usize;
            let notification = Planned {
                id: format!("genuine-{lane}-{number}"),
                size: SIZES[turn % SIZES.len()],
                frames: if turn.is_multiple_of(3) { FRAMES } else { 1 },
            };
            if lane.is_multiple_of(2) {
                kept = None;
            }
            self.deliver(&notification, &mut kept).await;
        }
    }

    async fn deliver(&self, notification: &Planned, kept: &mut Option<Connection>) {
        for attempt in 1..=ATTEMPTS {
            let start = Instant::now();
            let trying = self.attempt(notification, attempt, kept);
            let (cause, again) = match timeout(ANSWER_TIMEOUT, trying).await {
                Ok(Ok(StatusCode::OK)) => {
                    let mut record = self.record();
                    record.sent += 1;
                    record.latencies.push(start.elapsed());
                    if attempt == 1 {
                        record.at_once += 1;
                    } else {
                        record.retried += 1;
                    }
                    return;
                }
                Ok(Ok(status)) => {
                    let again = Retried::Listed.is_repeated(status);
                    (status.as_str().to_owned(), again)
                }
                Ok(Err(_)) => ("connection failed".to_owned(), true),
                Err(_) => ("no answer in time".to_owned(), true),
            };
            *self.record().causes.entry(cause).or_default() += 1;
            match WAITS.get(attempt as usize - 1) {
                Some(wait) if again => sleep(*wait).await,
                _ => break,
            }
        }
        let mut record = self.record();
        record.sent += 1;
        record.lost += 1;
    }

    async fn attempt(
        &self,
        planned: &Planned,
        attempt: u32,
        kept: &mut Option<Connection>,
    ) -> io::Result<StatusCode> {
        let body = notification_of("message.created", &planned.id, attempt, planned.size);
        let request = delivery_signed(&body, &self.secret.sign(&body).to_hex());
        let (frame, pause) = match planned.frames {
            1 => (request.len(), Duration::ZERO),
            frames => (request.len().div_ceil(frames), PAUSE),
        };
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => Connection::try_open(self.address).await?,
        };
        let frames: Vec<_> = request.chunks(frame).collect();
        let answer = connection.try_exchange(&frames, pause).await?;
        if connection.is_reusable() {
            *kept = Some(connection);
        }
        Ok(answer.status)
    }

    async fn challenges(&self, end: Instant) {
        let mut ticks = interval(Duration::from_secs(1));
        while Instant::now() < end {
            ticks.tick().await;
            let answer = timeout(ANSWER_TIMEOUT, self.challenge()).await;
            let is_right = answer.is_ok_and(|answer| {
                answer.is_ok_and(|it| it.status == 200 && it.body == UUID.as_bytes())
            });
            let mut record = self.record();
            record.challenges += 1;
            record.challenges_failed += u64::from(!is_right);
        }
    }

    async fn challenge(&self) -> io::Result<Answer> {
        let head = head("GET", &format!("{PATH}?challenge={UUID}"), &[]);
        let mut connection = Connection::try_open(self.address).await?;
        connection
            .try_exchange(&[head.as_bytes()], Duration::ZERO)
            .await
    }
}

struct Planned {
    id: String,
    size: usize,
    frames: usize,
}
