//! The other side: the simulated Nylas with one destination, and the load balancer behind its URL.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tower::service_fn;
use tower_nylas::{
    BoxError, WebhookSecret,
    testing::{
        self,
        nylas::{Created, DestinationId, Fate, Ledger, NewDestination, Readings, RetrySecret},
        nylas::{Simulator, Traffic},
    },
};

use crate::replica::Handled;

const PATH: &str = "/webhooks/nylas";

/// Nylas' minutes pass this much faster than the program's.
const SPEED: u32 = 400;

/// From one new notification to the next, in the program's time.
const PACE: Duration = Duration::from_millis(5);

pub(crate) struct Nylas {
    simulator: Simulator,
    replicas: [SocketAddr; 2],
    /// When which stretch of time began.
    phases: Mutex<Vec<(&'static str, Duration)>>,
}

impl Nylas {
    /// The replicas stand behind one URL, and take turns.
    ///
    /// It is not documented what a repetition is signed with after a rotation. With the old secret,
    /// a receiver has to know both.
    pub(crate) fn new(replicas: [SocketAddr; 2]) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        let turn = Arc::new(AtomicUsize::new(0));
        let balancer = service_fn(move |mut request: Request<Full<Bytes>>| {
            let turn = turn.fetch_add(1, Ordering::Relaxed);
            let replica = replicas[turn % replicas.len()];
            let target = request
                .uri()
                .path_and_query()
                .map_or(PATH, |it| it.as_str());
            let uri = format!("http://{replica}{target}").parse();
            let client = client.clone();
            async move {
                *request.uri_mut() = uri?;
                Ok::<_, BoxError>(client.request(request).await?)
            }
        });
        let readings = Readings::default().retry_secret(RetrySecret::Old);
        let simulator = Simulator::builder().client(balancer).speed(SPEED);
        Self {
            simulator: simulator.readings(readings).build(),
            replicas,
            phases: Mutex::default(),
        }
    }

    /// What is sent from now on belongs to this phase.
    pub(crate) fn enter(&self, name: &'static str) {
        let mut phases = self.phases.lock().unwrap_or_else(PoisonError::into_inner);
        phases.push((name, self.simulator.elapsed()));
    }

    pub(crate) async fn create_destination(&self) -> Result<Created, BoxError> {
        let url = format!("https://app.example.com{PATH}");
        let new = NewDestination::new(url, ["message.created"]);
        Ok(self.simulator.create(&new).await?)
    }

    /// The old secret is not used any more as soon as this returns.
    pub(crate) fn rotate_secret(&self, id: &DestinationId) -> Result<Created, BoxError> {
        Ok(self.simulator.rotate(id)?)
    }

    /// Notifications all the time, for so long.
    pub(crate) fn begin_traffic(&self, during: Duration) {
        let traffic = Traffic::new(["message.created"], PACE * SPEED);
        self.simulator.run(traffic.during(during * SPEED));
    }

    /// Waits until the traffic has ended and everything has come to its end.
    pub(crate) async fn settled(&self) {
        self.simulator.settled().await;
    }

    /// Delivers a notification to every replica that is signed with this secret; the statuses.
    pub(crate) async fn forge(&self, secret: &str) -> Result<Vec<u16>, BoxError> {
        let body = testing::sample("message.created").ok_or("there is no sample")?;
        let mut statuses = Vec::new();
        for replica in self.replicas {
            let url = format!("http://{replica}{PATH}").parse()?;
            let mut forger = testing::Nylas::at(url, WebhookSecret::new(secret)?);
            statuses.push(forger.deliver_once(body).await?.status().as_u16());
        }
        Ok(statuses)
    }

    /// Prints what happened in each phase and to all notifications; whether none was lost.
    pub(crate) fn print_summary(&self, handled: &Handled) -> bool {
        let ledger = self.simulator.ledger();
        self.print_phases(&ledger);
        let is_lost = |event: &&testing::nylas::EventRecord| {
            event.fates.iter().any(|(_, fate)| *fate != Fate::Accepted)
                || handled.times(&event.id) == 0
        };
        let count = |attempts: usize| {
            let events = ledger.events().filter(|event| !is_lost(event));
            events.filter(|it| it.attempts.len() == attempts).count()
        };
        println!("\n{:>6} notifications", ledger.len());
        for attempts in 1..=3 {
            println!("{:>6} accepted at attempt {attempts}", count(attempts));
        }
        let twice = ledger.events().filter(|it| handled.times(&it.id) > 1);
        println!("{:>6} handled more than once", twice.count());
        let lost = ledger.events().filter(is_lost).count();
        println!("{lost:>6} lost");
        lost == 0
    }

    fn print_phases(&self, ledger: &Ledger) {
        let phases = self.phases.lock().unwrap_or_else(PoisonError::into_inner);
        let width = phases.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        println!("{:width$}  accepted  to be repeated  refused", "");
        let attempts = ledger.attempts();
        for (index, (name, start)) in phases.iter().enumerate() {
            let end = phases.get(index + 1).map_or(Duration::MAX, |(_, end)| *end);
            let [mut accepted, mut repeated, mut refused] = [0; 3];
            for (_, attempt) in &attempts {
                if (*start..end).contains(&attempt.at) {
                    *match attempt.seen.answer().map(|status| status.as_u16()) {
                        Ok(200) => &mut accepted,
                        Ok(401) => &mut refused,
                        _ => &mut repeated,
                    } += 1;
                }
            }
            println!("{name:width$}  {accepted:>8}  {repeated:>14}  {refused:>7}");
        }
    }
}
