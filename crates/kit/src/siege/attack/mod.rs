//! The attackers. None of them knows the secret; each kind tries to use up something else.

mod forged;
mod oversized;
mod pipelined;
mod reset;
mod slow;
mod stalled;
mod streams;
mod unsigned;

use std::{
    collections::BTreeMap,
    fmt, io,
    net::SocketAddr,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until, timeout},
};
use tower_nylas::WebhookSecret;

use super::server::FORGED;
use crate::{delivery::notification_of, wire::Answer};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Slow,
    Stalled,
    Oversized,
    Forged,
    Unsigned,
    Reset,
    Pipelined,
    Streams,
}

impl Kind {
    pub const ALL: [(Self, &str, &str); 8] = [
        (Self::Slow, "slow", "bodies that drip byte by byte"),
        (Self::Stalled, "stalled", "bodies that stop half-way"),
        (
            Self::Oversized,
            "oversized",
            "chunked bodies over the limit",
        ),
        (Self::Forged, "forged", "wrong signatures at full rate"),
        (Self::Unsigned, "unsigned", "no signature, at full rate"),
        (Self::Reset, "reset", "connections reset inside the body"),
        (Self::Pipelined, "pipelined", "forgeries, 32 at once"),
        (Self::Streams, "streams", "HTTP/2 streams, then reset"),
    ];

    fn row(self) -> (&'static str, &'static str) {
        let mut rows = Self::ALL.iter();
        rows.find(|(kind, ..)| *kind == self)
            .map_or(("", ""), |(_, name, what)| (name, what))
    }

    pub fn description(self) -> &'static str {
        self.row().1
    }

    /// How many do it at once, if this many connections are to be slow.
    fn workers(self, connections: usize) -> usize {
        match self {
            Self::Slow => connections,
            Self::Stalled => connections.div_ceil(10),
            Self::Oversized | Self::Forged | Self::Unsigned | Self::Pipelined | Self::Streams => 4,
            Self::Reset => 8,
        }
    }

    /// How many connections all kinds together hold at once.
    pub fn all_workers(connections: usize) -> usize {
        let workers = Self::ALL.iter().map(|(kind, ..)| kind.workers(connections));
        workers.sum()
    }

    async fn attack(self, target: &Target) -> io::Result<()> {
        match self {
            Self::Slow => slow::attack(target).await,
            Self::Stalled => stalled::attack(target).await,
            Self::Oversized => oversized::attack(target).await,
            Self::Forged => forged::attack(target).await,
            Self::Unsigned => unsigned::attack(target).await,
            Self::Reset => reset::attack(target).await,
            Self::Pipelined => pipelined::attack(target).await,
            Self::Streams => streams::attack(target).await,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.row().0)
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut rows = Self::ALL.iter();
        let row = rows.find(|(_, name, _)| *name == text);
        row.map(|(kind, ..)| *kind)
            .ok_or_else(|| format!("no kind of attack is called {text:?}"))
    }
}

/// What one kind of attackers did and saw.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub connections: u64,
    pub requests: u64,
    pub statuses: BTreeMap<u16, u64>,
    /// Requests that ended without an answer, by either side.
    pub unanswered: u64,
}

/// What every attacker of a kind knows.
#[derive(Clone)]
struct Target {
    address: SocketAddr,
    bandwidth: Arc<Bandwidth>,
    tally: Arc<Mutex<Tally>>,
}

impl Target {
    fn tally(&self, tally: impl FnOnce(&mut Tally)) {
        tally(&mut self.tally.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn connected(&self) {
        self.tally(|tally| tally.connections += 1);
    }

    fn requested(&self) {
        self.tally(|tally| tally.requests += 1);
    }

    /// Notes how a request ended.
    fn ended(&self, answer: &io::Result<Answer>) {
        match answer {
            Ok(answer) => self.answered(answer.status.as_u16()),
            Err(_) => self.tally(|tally| tally.unanswered += 1),
        }
    }

    fn answered(&self, status: u16) {
        self.tally(|tally| *tally.statuses.entry(status).or_default() += 1);
    }
}

/// What all attackers together may send of bodies that stay unverified for a while.
struct Bandwidth {
    bytes_per_second: f64,
    /// When the line is free again.
    free: Mutex<Instant>,
}

impl Bandwidth {
    async fn take(&self, bytes: usize) {
        #[allow(clippy::cast_precision_loss)]
        let takes = Duration::from_secs_f64(bytes as f64 / self.bytes_per_second);
        let start = {
            let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
            let start = (*free).max(Instant::now());
            *free = start + takes;
            start
        };
        sleep_until(start).await;
    }
}

/// How hard to attack.
#[derive(Debug, Clone)]
pub struct Strength {
    pub kinds: Vec<Kind>,
    pub connections: usize,
    pub bytes_per_second: usize,
}

/// Attacks for so long, with everything at once.
pub async fn attack(
    address: SocketAddr,
    strength: &Strength,
    time: Duration,
) -> Vec<(Kind, Tally)> {
    #[allow(clippy::cast_precision_loss)]
    let bandwidth = Arc::new(Bandwidth {
        bytes_per_second: strength.bytes_per_second.max(1) as f64,
        free: Mutex::new(Instant::now()),
    });
    let mut attackers = JoinSet::new();
    let mut targets = Vec::new();
    for &kind in &strength.kinds {
        let target = Target {
            address,
            bandwidth: bandwidth.clone(),
            tally: Arc::default(),
        };
        let workers = kind.workers(strength.connections);
        for worker in 0..workers {
            let target = target.clone();
            // They come within a second, not at once, which would only test the listener's queue.
            let patience = Duration::from_secs(1) * u32::try_from(worker).unwrap_or(0)
                / u32::try_from(workers).unwrap_or(1);
            attackers.spawn(async move {
                sleep(patience).await;
                loop {
                    if kind.attack(&target).await.is_err() {
                        // Refused or closed: again, but not in a loop that only burns time.
                        sleep(Duration::from_millis(10)).await;
                    }
                }
            });
        }
        targets.push((kind, target));
    }
    sleep(time).await;
    // On a busy machine some may not have had their turn yet.
    let idle = |(kind, target): &(Kind, Target)| {
        let tally = target.tally.lock().unwrap_or_else(PoisonError::into_inner);
        kind.workers(strength.connections) > 0 && tally.requests == 0
    };
    let all_began = async {
        while targets.iter().any(idle) {
            sleep(Duration::from_millis(50)).await;
        }
    };
    let _ = timeout(Duration::from_secs(10), all_began).await;
    attackers.shutdown().await;
    let tallies = targets.into_iter().map(|(kind, target)| {
        let mut tally = target.tally.lock().unwrap_or_else(PoisonError::into_inner);
        (kind, std::mem::take(&mut *tally))
    });
    tallies.collect()
}

/// A notification with a signature of somebody who knows another secret.
fn forgery(size: usize) -> io::Result<(String, Vec<u8>)> {
    let body = notification_of("message.created", FORGED, 1, size);
    let secret = WebhookSecret::new("another-invented-secret").map_err(io::Error::other)?;
    Ok((secret.sign(&body).to_hex(), body))
}
