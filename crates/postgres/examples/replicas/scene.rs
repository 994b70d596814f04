//! The deployment.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::{
    sync::{Mutex, watch},
    task::JoinHandle,
    time::{Instant, sleep},
};
use tokio_postgres::NoTls;
use tower::{Service, service_fn};
use tower_nylas::{
    BoxError,
    inbox::Browse,
    testing::nylas::{Fate, NewDestination, Simulator, Status},
};
use tower_nylas_kit::{
    delivery::{PATH, SECRET},
    inbox::servers::PostgresServer,
};

use crate::{
    CONCURRENCY, SCHEMA, open,
    process::{Handled, Receiver, Worker},
};

const EACH: usize = 3;

/// Nylas' time passes so many times faster, so that it sends again after seconds.
const SPEED: u32 = 60;

/// Between two notifications.
const PAUSE: Duration = Duration::from_millis(4);

/// How many are handled between two restarts.
const BETWEEN: usize = 200;

/// How long all that was accepted may take to be handled.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether nothing was lost, and handled twice only what was open at the kill.
pub(crate) async fn play() -> Result<bool, BoxError> {
    let (url, _server) = database().await?;
    let handled = Handled::default();
    let receivers = Receivers::default();
    let mut started = Vec::new();
    let mut workers = Vec::new();
    for number in 0..EACH {
        let receiver = Receiver::start(&url).await?;
        receivers.add(receiver.address);
        started.push(receiver);
        workers.push(Running::start(&url, number, &handled).await?);
    }
    let nylas = Simulator::builder()
        .client(receivers.client())
        .speed(SPEED)
        .build();
    let destination = NewDestination::new(format!("http://receivers{PATH}"), ["message.created"]);
    nylas.put("d-1", SECRET, &destination, Status::Active)?;
    let stop = watch::Sender::new(());
    let emitting = tokio::spawn(emit(nylas.clone(), stop.subscribe()));

    // A new one is there before an old one goes.
    for old in started {
        wait_for(&handled, BETWEEN).await?;
        let new = Receiver::start(&url).await?;
        receivers.add(new.address);
        receivers.remove(old.address);
        old.end().await?;
        receivers.keep(new).await;
    }
    let mut killed = None;
    for (place, old) in workers.iter_mut().enumerate() {
        wait_for(&handled, BETWEEN).await?;
        let new = Running::start(&url, EACH + place, &handled).await?;
        let old = std::mem::replace(old, new);
        if place + 1 < EACH {
            old.end().await?;
        } else {
            killed = Some(old.number);
            old.kill().await?;
        }
    }
    wait_for(&handled, BETWEEN).await?;
    stop.send_replace(());
    let sent = emitting.await?;
    nylas.settled().await;
    let lost = nylas.with_ledger(|ledger| ledger.with_fate(Fate::Lost).len());
    let end = Instant::now() + PATIENCE;
    while handled.count() < sent - lost && Instant::now() < end {
        sleep(Duration::from_millis(20)).await;
    }
    for worker in workers {
        worker.end().await?;
    }
    receivers.end().await?;
    let inbox = open(&url).await?;
    let stats = inbox.stats().await?;
    inbox.close().await;
    let is_empty = stats.ready + stats.waiting + stats.claimed + stats.dead == 0;
    if !is_empty {
        println!("left in the inbox: {stats:?}");
    }
    Ok(report(&handled.all(), sent, lost, killed) && is_empty)
}

/// A server of its own, unless there is one.
async fn database() -> Result<(String, Option<PostgresServer>), BoxError> {
    let (url, server) = match std::env::var("DATABASE_URL") {
        Ok(url) => (url, None),
        Err(_) if PostgresServer::can_start() => {
            let server = PostgresServer::start(&[]);
            (server.url(), Some(server))
        }
        Err(_) => return Err("neither a DATABASE_URL nor the programs of PostgreSQL".into()),
    };
    let end = Instant::now() + PATIENCE;
    loop {
        match tokio_postgres::connect(&url, NoTls).await {
            Ok((client, connection)) => {
                tokio::spawn(connection);
                let sql = format!("DROP SCHEMA IF EXISTS {SCHEMA} CASCADE");
                client.batch_execute(&sql).await?;
                return Ok((url, server));
            }
            Err(why) if server.is_none() || Instant::now() > end => return Err(why.into()),
            Err(_) => sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Lets things happen until it is told to stop. Returns how many.
async fn emit(nylas: Simulator, stop: watch::Receiver<()>) -> usize {
    let mut sent = 0;
    while !stop.has_changed().unwrap_or(true) {
        nylas.emit("message.created");
        sent += 1;
        sleep(PAUSE).await;
    }
    sent
}

async fn wait_for(handled: &Handled, more: usize) -> Result<(), BoxError> {
    let (enough, end) = (handled.count() + more, Instant::now() + PATIENCE);
    while handled.count() < enough {
        if Instant::now() > end {
            return Err("nothing more is handled".into());
        }
        sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// A worker whose lines are read.
struct Running {
    number: usize,
    end: watch::Sender<()>,
    reading: JoinHandle<Worker>,
}

impl Running {
    async fn start(url: &str, number: usize, handled: &Handled) -> Result<Self, BoxError> {
        let worker = Worker::start(url, number, handled).await?;
        let end = watch::Sender::new(());
        Ok(Self {
            number,
            reading: worker.listen(end.subscribe()),
            end,
        })
    }

    async fn end(self) -> Result<(), BoxError> {
        self.end.send_replace(());
        self.reading.await?.end().await
    }

    async fn kill(self) -> Result<(), BoxError> {
        self.end.send_replace(());
        self.reading.await?.kill().await;
        Ok(())
    }
}

/// A load balancer: each request goes to the next receiver, or to another one if that does not let
/// it in.
#[derive(Clone, Default)]
struct Receivers {
    addresses: Arc<RwLock<Vec<SocketAddr>>>,
    next: Arc<AtomicUsize>,
    started: Arc<Mutex<Vec<Receiver>>>,
}

impl Receivers {
    fn add(&self, address: SocketAddr) {
        self.addresses.write().unwrap().push(address);
    }

    fn remove(&self, address: SocketAddr) {
        self.addresses.write().unwrap().retain(|it| *it != address);
    }

    async fn keep(&self, receiver: Receiver) {
        self.started.lock().await.push(receiver);
    }

    async fn end(&self) -> Result<(), BoxError> {
        for receiver in self.started.lock().await.drain(..) {
            receiver.end().await?;
        }
        Ok(())
    }

    fn turn(&self) -> Option<SocketAddr> {
        let addresses = self.addresses.read().unwrap();
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        addresses.get(next % addresses.len().max(1)).copied()
    }

    fn client(
        &self,
    ) -> impl Service<
        Request<Full<Bytes>>,
        Response = Response<Incoming>,
        Error = BoxError,
        Future: Send,
    > + Clone
    + Send
    + Sync
    + 'static {
        let client: Client<HttpConnector, Full<Bytes>> =
            Client::builder(TokioExecutor::new()).build_http();
        let receivers = self.clone();
        service_fn(move |request: Request<Full<Bytes>>| {
            let (client, receivers) = (client.clone(), receivers.clone());
            async move {
                for _ in 0..EACH {
                    let address = receivers.turn().ok_or("there is no receiver")?;
                    let mut request = request.clone();
                    *request.uri_mut() = Uri::try_from(format!("http://{address}{PATH}"))?;
                    match client.request(request).await {
                        Err(why) if why.is_connect() => {}
                        answered => return answered.map_err(BoxError::from),
                    }
                }
                Err(BoxError::from("no receiver lets it in"))
            }
        })
    }
}

/// Prints who has handled what. Whether nothing was lost, and handled twice only what one worker
/// had open when it was killed.
fn report(
    handled: &BTreeMap<String, Vec<usize>>,
    sent: usize,
    lost: usize,
    killed: Option<usize>,
) -> bool {
    let mut by_worker: BTreeMap<usize, usize> = BTreeMap::new();
    for worker in handled.values().flatten() {
        *by_worker.entry(*worker).or_default() += 1;
    }
    for (worker, count) in &by_worker {
        let end = if Some(*worker) == killed {
            ", killed"
        } else {
            ""
        };
        println!("worker {worker}: {count} handled{end}");
    }
    let twice: Vec<_> = handled.values().filter(|by| by.len() > 1).collect();
    let is_of_the_killed = |by: &&&Vec<usize>| by.len() == 2 && killed == by.first().copied();
    let explained = twice.iter().filter(is_of_the_killed).count();
    println!(
        "{} notifications, {lost} lost; {} of them handled, {} twice: they were open at the kill",
        sent,
        handled.len(),
        twice.len(),
    );
    lost == 0 && handled.len() == sent && explained == twice.len() && explained <= CONCURRENCY
}
