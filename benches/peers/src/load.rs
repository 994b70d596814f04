//! The load: connections that send one request after the other.
//!
//! The requests are made beforehand, and of a response only the head is looked at, so that the load
//! generator needs less of its core than any server of its own. For the same reason the client is
//! not that of `crates/kit`, which keeps every header of every answer.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{Result, cores::Cores, usage};

/// What was seen in the measured window.
pub(crate) struct Measured {
    pub(crate) window: Duration,
    /// Requests that were answered in the window.
    pub(crate) answered: u64,
    /// In nanoseconds and ascending; of the requests that began in the window.
    pub(crate) latencies: Vec<u64>,
    /// The server's CPU time in the window.
    pub(crate) server_cpu: Option<Duration>,
    /// The CPU time of this process in the window.
    pub(crate) load_cpu: Option<Duration>,
    /// What others took of the two cores, whichever lost more; unknown if nothing is pinned.
    pub(crate) others_cpu: Option<Duration>,
    /// Of the whole load, warm-up included.
    pub(crate) errors: u64,
    pub(crate) first_error: Option<String>,
}

#[derive(Default)]
struct Shared {
    recording: AtomicBool,
    stop: AtomicBool,
    answered: AtomicU64,
}

/// How long the last responses may take after the window has closed.
const GRACE: Duration = Duration::from_secs(10);

/// Keeps one connection per request busy with it, and measures after the warm-up.
pub(crate) async fn run(
    addr: SocketAddr,
    server: u32,
    cores: Option<Cores>,
    requests: &[Bytes],
    warm_up: Duration,
    window: Duration,
) -> Result<Measured> {
    let shared = Arc::new(Shared::default());
    let mut connections = JoinSet::new();
    for request in requests {
        let connection = Connection::open(addr).await?;
        connections.spawn(keep_busy(connection, request.clone(), shared.clone()));
    }

    sleep(warm_up).await;
    let before = Snapshot::take(&shared, server, cores);
    shared.recording.store(true, Relaxed);
    sleep(window).await;
    let after = Snapshot::take(&shared, server, cores);
    shared.recording.store(false, Relaxed);
    shared.stop.store(true, Relaxed);

    let mut latencies = Vec::new();
    let mut errors = 0;
    let mut first_error = None;
    let all = async {
        while let Some(ended) = connections.join_next().await {
            let (mut its_latencies, error) = ended?;
            latencies.append(&mut its_latencies);
            if let Some(error) = error {
                errors += 1;
                first_error.get_or_insert(error);
            }
        }
        Ok::<_, tokio::task::JoinError>(())
    };
    let in_time = timeout(GRACE, all).await;
    if let Ok(joined) = in_time {
        joined?;
    } else {
        errors += connections.len() as u64;
        first_error.get_or_insert_with(|| "a request was not answered".to_owned());
    }

    latencies.sort_unstable();
    let server_cpu = since(after.server_cpu, before.server_cpu);
    let load_cpu = since(after.load_cpu, before.load_cpu);
    let others = |now, then, own: Option<Duration>| Some(since(now, then)?.saturating_sub(own?));
    Ok(Measured {
        window: after.at - before.at,
        answered: after.answered - before.answered,
        latencies,
        server_cpu,
        load_cpu,
        others_cpu: others(after.server_core, before.server_core, server_cpu).max(others(
            after.load_core,
            before.load_core,
            load_cpu,
        )),
        errors,
        first_error,
    })
}

fn since(now: Option<Duration>, then: Option<Duration>) -> Option<Duration> {
    Some(now?.saturating_sub(then?))
}

/// The status of the answer to one request on a connection of its own.
pub(crate) async fn status_of(addr: SocketAddr, request: &[u8]) -> Result<u16> {
    let mut connection = Connection::open(addr).await?;
    let answer = connection.exchange(request);
    Ok(timeout(GRACE, answer).await??)
}

struct Snapshot {
    at: Instant,
    answered: u64,
    server_cpu: Option<Duration>,
    load_cpu: Option<Duration>,
    server_core: Option<Duration>,
    load_core: Option<Duration>,
}

impl Snapshot {
    fn take(shared: &Shared, server: u32, cores: Option<Cores>) -> Self {
        Self {
            at: Instant::now(),
            answered: shared.answered.load(Relaxed),
            server_cpu: usage::cpu(server),
            load_cpu: usage::cpu(std::process::id()),
            server_core: cores.and_then(|cores| usage::core(cores.server)),
            load_core: cores.and_then(|cores| usage::core(cores.load)),
        }
    }
}

/// Sends `request` until told to stop. An error ends it: what a broken connection costs is not what
/// is measured.
async fn keep_busy(
    mut connection: Connection,
    request: Bytes,
    shared: Arc<Shared>,
) -> (Vec<u64>, Option<String>) {
    let mut latencies = Vec::new();
    while !shared.stop.load(Relaxed) {
        let recording = shared.recording.load(Relaxed);
        let begin = Instant::now();
        match connection.exchange(&request).await {
            Ok(200) => {}
            Ok(status) => return (latencies, Some(format!("the answer was {status}"))),
            Err(error) => return (latencies, Some(error)),
        }
        shared.answered.fetch_add(1, Relaxed);
        if recording {
            let nanoseconds = begin.elapsed().as_nanos();
            latencies.push(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
        }
    }
    (latencies, None)
}

struct Connection {
    stream: TcpStream,
    /// Larger than any response, so that one `read` takes it whole and tokio knows that there is no
    /// more to read.
    buffer: Box<[u8; 8192]>,
}

impl Connection {
    async fn open(addr: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Box::new([0; 8192]),
        })
    }

    async fn exchange(&mut self, request: &[u8]) -> Result<u16, String> {
        let io = |error: std::io::Error| error.to_string();
        self.stream.write_all(request).await.map_err(io)?;
        let mut filled = 0;
        loop {
            let room = &mut self.buffer[filled..];
            if room.is_empty() {
                return Err("the response is too long".to_owned());
            }
            match self.stream.read(room).await.map_err(io)? {
                0 => return Err("the server closed the connection".to_owned()),
                more => filled += more,
            }
            if let Some((status, length)) = parse(&self.buffer[..filled])? {
                match filled.cmp(&length) {
                    std::cmp::Ordering::Less => {}
                    std::cmp::Ordering::Equal => return Ok(status),
                    std::cmp::Ordering::Greater => {
                        return Err("there is more than one response".to_owned());
                    }
                }
            }
        }
    }
}

/// The status and the whole length of the response that begins here, once its head is complete.
fn parse(bytes: &[u8]) -> Result<Option<(u16, usize)>, String> {
    let mut headers = [httparse::EMPTY_HEADER; 24];
    let mut response = httparse::Response::new(&mut headers);
    let head = match response.parse(bytes).map_err(|error| error.to_string())? {
        httparse::Status::Complete(head) => head,
        httparse::Status::Partial => return Ok(None),
    };
    let body: usize = response
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"))
        .and_then(|header| std::str::from_utf8(header.value).ok()?.parse().ok())
        .ok_or("the response does not say how long it is")?;
    Ok(Some((response.code.unwrap_or(0), head + body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_responses() {
        let response = b"HTTP/1.1 200 OK\r\ndate: now\r\nContent-Length: 2\r\n\r\nOK";
        assert_eq!(parse(response), Ok(Some((200, response.len()))));
        assert_eq!(parse(&response[..30]), Ok(None));
        assert!(parse(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
