//! The settings of a simulator.

use std::{fmt, pin::Pin, sync::Arc};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tower_service::Service;

use super::{
    Ledger, Readings, Shared, Simulator, State,
    network::{Call, Network, erase},
    time::Time,
};
use crate::{
    report::BoxError,
    testing::{VirtualClock, nylas::HttpClient},
    time::{Timer, TokioTimer},
};

/// A task of a [`Simulator`].
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

pub(super) type Spawn = Arc<dyn Fn(Task) + Send + Sync>;

/// The settings of a [`Simulator`].
#[must_use = "nothing is simulated until it is built"]
pub struct Builder {
    timer: Arc<dyn Timer>,
    spawn: Spawn,
    client: Option<Call>,
    seed: u64,
    speed: u32,
    api_key: String,
    readings: Readings,
    capacity: usize,
}

impl Builder {
    pub(super) fn new() -> Self {
        let client: HttpClient = Client::builder(TokioExecutor::new()).build_http();
        Self {
            timer: Arc::new(TokioTimer),
            spawn: Arc::new(|task| drop(tokio::spawn(task))),
            client: Some(erase(client)),
            seed: 0,
            speed: 1,
            api_key: Simulator::API_KEY.to_owned(),
            readings: Readings::default(),
            capacity: 100_000,
        }
    }

    /// Runs on a virtual clock, and reaches nothing but [hosted](Simulator::host) endpoints; by
    /// default, it runs on tokio and sends to any URL by HTTP/1.1 without TLS.
    ///
    /// Its tasks are spawned on the clock: they go on while
    /// [`run_for`](VirtualClock::run_for) or [`run_until`](VirtualClock::run_until) does.
    pub fn clock(self, clock: VirtualClock) -> Self {
        let tasks = clock.clone();
        let mut builder = self.runtime(clock, move |task| tasks.spawn(task));
        builder.client = None;
        builder
    }

    /// Runs on any runtime; by default on tokio.
    pub fn runtime(
        mut self,
        timer: impl Timer,
        spawn: impl Fn(Task) + Send + Sync + 'static,
    ) -> Self {
        self.timer = Arc::new(timer);
        self.spawn = Arc::new(spawn);
        self
    }

    /// Sends with this client to all URLs at which nothing is [hosted](Simulator::host), for
    /// instance with TLS, or with other addresses than those in the URLs.
    ///
    /// It must not follow redirects.
    pub fn client<S, R>(mut self, client: S) -> Self
    where
        S: Service<Request<Full<Bytes>>, Response = Response<R>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        R: Body<Error: Into<BoxError>> + Send + 'static,
    {
        self.client = Some(erase(client));
        self
    }

    /// From what ids, secrets, waits and everything else that looks like chance is computed; by
    /// default 0.
    ///
    /// The id of the first, second … destination, its secret after so many rotations, and the id of
    /// the first, second … notification follow from it, whatever else happens in between.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How many times faster Nylas' time passes than that of the receivers; by default once. The
    /// 10 seconds for an answer are not shortened.
    pub fn speed(mut self, factor: u32) -> Self {
        self.speed = factor;
        self
    }

    /// The key that the [management API](Simulator::management) accepts; by default
    /// [`Simulator::API_KEY`].
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.api_key = key.into();
        self
    }

    /// What is taken for true where the sources contradict each other.
    pub fn readings(mut self, readings: Readings) -> Self {
        self.readings = readings;
        self
    }

    /// How many events, with their attempts, the ledger keeps; by default 100,000, which take some
    /// 100 MB.
    pub fn ledger_capacity(mut self, events: usize) -> Self {
        self.capacity = events;
        self
    }

    /// The simulated Nylas, without a destination.
    #[must_use]
    pub fn build(self) -> Simulator {
        Simulator::new(Shared {
            time: Time::new(self.timer, self.speed),
            spawn: self.spawn,
            seed: self.seed,
            api_key: self.api_key,
            readings: self.readings,
            state: State::new(Network::new(self.client), Ledger::new(self.capacity)).into(),
        })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("seed", &self.seed)
            .field("speed", &self.speed)
            .field("readings", &self.readings)
            .finish_non_exhaustive()
    }
}
