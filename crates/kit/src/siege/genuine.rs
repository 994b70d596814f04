//! The genuine sender: many notifications of all sizes, each repeated as Nylas would, only sooner.
//!
//! What is sent, and what is taken for an answer, is up to the simulated Nylas; this is the client
//! that it sends with, which pauses between the frames of a request.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep},
};
use tower::{Service, service_fn};
use tower_nylas::{
    WebhookSecret,
    testing::{NoAnswer, Nylas, nylas::Retried},
};

use crate::{
    delivery::{PATH, notification_of},
    wire::{Connection, head},
};

const ATTEMPTS: u32 = Nylas::<()>::ATTEMPTS;

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
        let kept = Kept::default();
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
                kept.take();
            }
            self.deliver(&notification, &kept).await;
        }
    }

    /// Nylas, over this connection or a new one.
    fn nylas(
        &self,
        frames: usize,
        kept: &Kept,
    ) -> Nylas<
        impl Service<
            Request<Full<Bytes>>,
            Response = Response<Full<Bytes>>,
            Error = io::Error,
            Future: Send,
        > + Clone,
    > {
        let (address, kept) = (self.address, kept.clone());
        let client = service_fn(move |request| exchange(address, request, frames, kept.clone()));
        Nylas::with_client(client, Uri::from_static(PATH), self.secret.clone())
    }

    async fn deliver(&self, planned: &Planned, kept: &Kept) {
        let mut nylas = self.nylas(planned.frames, kept);
        for attempt in 1..=ATTEMPTS {
            let start = Instant::now();
            let body = notification_of("message.created", &planned.id, attempt, planned.size);
            let answer = nylas.deliver_once(body).await;
            let (cause, again) = match answer.map(|answer| answer.status()) {
                Ok(StatusCode::OK) => {
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
                Ok(status) => {
                    let again = Retried::Listed.is_repeated(status);
                    (status.as_str().to_owned(), again)
                }
                Err(NoAnswer::TimedOut) => ("no answer in time".to_owned(), true),
                Err(_) => ("connection failed".to_owned(), true),
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

    async fn challenges(&self, end: Instant) {
        let mut ticks = interval(Duration::from_secs(1));
        while Instant::now() < end {
            ticks.tick().await;
            let challenged = self.nylas(1, &Kept::default()).challenge().await;
            let mut record = self.record();
            record.challenges += 1;
            record.challenges_failed += u64::from(challenged.is_err());
        }
    }
}

/// A connection that can be used again.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Option<Connection>>>);

impl Kept {
    fn take(&self) -> Option<Connection> {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Connection>> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Sends a request of Nylas in so many frames, with a pause behind each, and reads the answer.
async fn exchange(
    address: SocketAddr,
    request: Request<Full<Bytes>>,
    frames: usize,
    kept: Kept,
) -> io::Result<Response<Full<Bytes>>> {
    let request = written(request).await?;
    let (frame, pause) = match frames {
        1 => (request.len(), Duration::ZERO),
        frames => (request.len().div_ceil(frames), PAUSE),
    };
    let mut connection = match kept.take() {
        Some(connection) => connection,
        None => Connection::try_open(address).await?,
    };
    let frames: Vec<_> = request.chunks(frame).collect();
    let answer = connection.try_exchange(&frames, pause).await?;
    if connection.is_reusable() {
        *kept.lock() = Some(connection);
    }
    let mut response = Response::new(Full::from(answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    Ok(response)
}

/// The request as it is on the wire.
async fn written(request: Request<Full<Bytes>>) -> io::Result<Vec<u8>> {
    let (parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map_or(PATH, |it| it.as_str());
    let mut headers = Vec::new();
    for (name, value) in &parts.headers {
        headers.push((name.as_str(), value.to_str().map_err(io::Error::other)?));
    }
    let mut written = head(parts.method.as_str(), target, &headers).into_bytes();
    let Ok(body) = body.collect().await;
    written.extend_from_slice(&body.to_bytes());
    Ok(written)
}

struct Planned {
    id: String,
    size: usize,
    frames: usize,
}
