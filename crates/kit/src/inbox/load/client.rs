//! The load: connections with one request after the other, each another notification.
//!
//! Of an answer only the status and the end are looked at, so that the client needs less of the
//! cores than any receiver. For the same reason it is not that of `wire`.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::sleep_until,
};

use super::Error;
use crate::delivery::{delivery, notification_of};

/// How it went.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    pub accepted: u64,
    pub refused: u64,
    /// In microseconds, ascending.
    pub latencies: Vec<u32>,
    pub took: Duration,
    /// What the receiver has handled meanwhile, and the memory it had at the end.
    pub handled: u64,
    pub resident_kib: u64,
}

impl Measured {
    #[allow(clippy::cast_precision_loss)]
    pub fn rate(&self) -> f64 {
        self.accepted as f64 / self.took.as_secs_f64()
    }

    #[allow(clippy::cast_precision_loss)]
    pub fn handled_rate(&self) -> f64 {
        self.handled as f64 / self.took.as_secs_f64()
    }

    /// In milliseconds.
    pub fn percentile(&self, hundredth: usize) -> f64 {
        let at = self.latencies.len() * hundredth / 100;
        let latency = self
            .latencies
            .get(at.min(self.latencies.len().saturating_sub(1)));
        latency.map_or(f64::NAN, |micros| f64::from(*micros) / 1000.0)
    }

    pub fn of(tallies: Vec<Tally>, took: Duration) -> Self {
        let mut all = Self {
            took,
            ..Self::default()
        };
        for tally in tallies {
            all.accepted += tally.accepted;
            all.refused += tally.refused;
            all.latencies.extend(tally.latencies);
        }
        all.latencies.sort_unstable();
        all
    }

    /// Of several receivers at the same time.
    pub fn of_all(parts: Vec<Self>) -> Self {
        let mut all = Self::default();
        for part in parts {
            all.accepted += part.accepted;
            all.refused += part.refused;
            all.latencies.extend(part.latencies);
            all.took = all.took.max(part.took);
            all.handled += part.handled;
            all.resident_kib += part.resident_kib;
        }
        all.latencies.sort_unstable();
        all
    }
}

#[derive(Debug, Default)]
pub struct Tally {
    accepted: u64,
    refused: u64,
    latencies: Vec<u32>,
}

impl Tally {
    pub fn note(&mut self, is_accepted: bool, since: Instant) {
        if is_accepted {
            self.accepted += 1;
        } else {
            self.refused += 1;
        }
        let micros = since.elapsed().as_micros();
        self.latencies
            .push(u32::try_from(micros).unwrap_or(u32::MAX));
    }
}

/// What is sent.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Tells its notifications from those of another load.
    pub series: usize,
    pub connections: usize,
    /// Of a body, in bytes.
    pub size: usize,
    pub sending: Sending,
}

#[derive(Debug, Clone, Copy)]
pub enum Sending {
    /// As fast as it goes.
    For(Duration),
    /// So many, evenly in this time. Latencies count from the moment when each was to be sent.
    Burst(u32, Duration),
}

impl Load {
    pub async fn send_to(self, address: SocketAddr) -> Result<Measured, Error> {
        let (handled, _) = figures(address).await?;
        let next = Arc::new(AtomicU64::new(0));
        let start = Instant::now();
        let mut connections = JoinSet::new();
        for _ in 0..self.connections {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            connections.spawn(self.keep_busy(stream, next.clone(), start));
        }
        let tallies: Result<Vec<_>, Error> = connections.join_all().await.into_iter().collect();
        let mut measured = Measured::of(tallies?, start.elapsed());
        let (handled_now, resident_kib) = figures(address).await?;
        measured.handled = handled_now - handled;
        measured.resident_kib = resident_kib;
        Ok(measured)
    }

    async fn keep_busy(
        self,
        mut stream: TcpStream,
        next: Arc<AtomicU64>,
        start: Instant,
    ) -> Result<Tally, Error> {
        let mut tally = Tally::default();
        let mut answer = vec![0; 4096];
        loop {
            let number = next.fetch_add(1, Relaxed);
            let id = format!("n-{}-{number}", self.series);
            let body = notification_of("message.created", &id, 1, self.size);
            let request = delivery(&body);
            let since = match self.sending {
                Sending::For(time) if start.elapsed() >= time => return Ok(tally),
                Sending::For(_) => Instant::now(),
                Sending::Burst(count, _) if number >= u64::from(count) => return Ok(tally),
                Sending::Burst(count, time) => {
                    let number = u32::try_from(number)?;
                    let at = start + time * number / count;
                    sleep_until(at.into()).await;
                    at
                }
            };
            stream.write_all(&request).await?;
            tally.note(is_accepted(&mut stream, &mut answer).await?, since);
        }
    }
}

/// Reads an answer, which has no body or one that comes with its head.
async fn is_accepted(stream: &mut TcpStream, answer: &mut [u8]) -> Result<bool, Error> {
    let mut length = 0;
    loop {
        let read = stream
            .read(answer.get_mut(length..).unwrap_or_default())
            .await?;
        if read == 0 {
            return Err("the receiver has closed the connection".into());
        }
        length += read;
        let seen = &answer[..length];
        let end = b"\r\n\r\n";
        if seen.ends_with(end) || seen.windows(4).any(|four| four == end) {
            return Ok(seen.get(9..12) == Some(b"200"));
        }
    }
}

/// What was handled since the start, and the resident memory, as the receiver tells.
async fn figures(address: SocketAddr) -> Result<(u64, u64), Error> {
    let mut stream = TcpStream::connect(address).await?;
    let request = "GET /figures HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let body = answer.split("\r\n\r\n").nth(1).ok_or("no figures")?;
    let (handled, resident) = body.trim().split_once(' ').ok_or("no figures")?;
    Ok((handled.parse()?, resident.parse()?))
}
