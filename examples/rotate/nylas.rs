//! A stand-in for Nylas: one destination behind a load balancer, and a great deal to tell.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::{
    sync::oneshot,
    task::{JoinHandle, JoinSet},
    time::{interval, sleep},
};
use tower_nylas::{BoxError, WebhookSecret, signature::SIGNATURE_HEADER};

use crate::replica::Handled;

const FIRST_SECRET: &str = "k7-Hq_inventedSecret";
const SECOND_SECRET: &str = "zW3_another-inventedOne";
const CHALLENGE: &str = "bc609b38-c81f-47fb-a275-1d9bd61ba968";

/// How long it waits before the second and before the third attempt. Nylas takes up to 20 minutes
/// over them.
const BACKOFF: [Duration; 2] = [Duration::from_millis(600), Duration::from_millis(1800)];

/// From one new notification to the next.
const PACE: Duration = Duration::from_millis(5);

pub(crate) struct Nylas {
    client: Client<HttpConnector, Full<Bytes>>,
    replicas: [SocketAddr; 2],
    turn: AtomicUsize,
    /// The secret that the destination has at this moment.
    secret: Mutex<Option<WebhookSecret>>,
    phases: Mutex<Vec<Phase>>,
    sent: Mutex<Vec<Sent>>,
}

/// A stretch of time, and how the attempts in it were answered.
struct Phase {
    name: &'static str,
    answers: Answers,
}

#[derive(Default)]
struct Answers {
    accepted: u32,
    to_be_repeated: u32,
    refused: u32,
}

/// A notification that will not be sent again.
struct Sent {
    id: String,
    attempts: usize,
    is_accepted: bool,
}

impl Nylas {
    pub(crate) fn new(replicas: [SocketAddr; 2]) -> Self {
        Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
            replicas,
            turn: AtomicUsize::new(0),
            secret: Mutex::default(),
            phases: Mutex::default(),
            sent: Mutex::default(),
        }
    }

    /// What is sent from now on belongs to this phase.
    pub(crate) fn enter(&self, name: &'static str) {
        lock(&self.phases).push(Phase {
            name,
            answers: Answers::default(),
        });
    }

    /// As `POST /v3/webhooks` does, it sends the challenge first, and only then makes a secret.
    pub(crate) async fn create_destination(&self) -> Result<String, BoxError> {
        let url = format!("{}?challenge={CHALLENGE}", self.url());
        let answer = self.client.get(url.parse()?).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        if status != StatusCode::OK || body != CHALLENGE {
            return Err(format!("the challenge was answered with {status}").into());
        }
        *lock(&self.secret) = Some(WebhookSecret::new(FIRST_SECRET)?);
        Ok(FIRST_SECRET.to_owned())
    }

    /// As `POST /v3/webhooks/rotate-secret/{id}` does, it drops the old secret at once.
    pub(crate) fn rotate_secret(&self) -> Result<String, BoxError> {
        *lock(&self.secret) = Some(WebhookSecret::new(SECOND_SECRET)?);
        Ok(SECOND_SECRET.to_owned())
    }

    pub(crate) fn begin_traffic(self: Arc<Self>) -> Traffic {
        let (end, mut ended) = oneshot::channel();
        let task = tokio::spawn(async move {
            let mut pace = interval(PACE);
            let mut deliveries = JoinSet::new();
            for number in 1.. {
                tokio::select! {
                    _ = pace.tick() => drop(deliveries.spawn(self.clone().deliver(number))),
                    _ = &mut ended => break,
                }
            }
            while let Some(delivery) = deliveries.join_next().await {
                delivery??;
            }
            Ok(())
        });
        Traffic { end, task }
    }

    /// Sends a notification until it is accepted, or until Nylas would give up.
    async fn deliver(self: Arc<Self>, number: u32) -> Result<(), BoxError> {
        let id = format!("n-{number}");
        let at_first = self.current_secret()?;
        // It is not documented whether a repetition is signed anew, so it happens to every other
        // pair of them.
        let is_signed_anew = number % 4 < 2;
        let mut attempts = 0;
        let is_accepted = loop {
            attempts += 1;
            let secret = if is_signed_anew {
                self.current_secret()?
            } else {
                at_first.clone()
            };
            let status = self.post(self.url(), &secret, &id, attempts).await?;
            self.note(status);
            match BACKOFF.get(attempts - 1) {
                Some(wait) if is_repeated(status) => sleep(*wait).await,
                _ => break status == StatusCode::OK,
            }
        };
        lock(&self.sent).push(Sent {
            id,
            attempts,
            is_accepted,
        });
        Ok(())
    }

    /// Delivers a notification to every replica that is signed with this secret; the statuses.
    pub(crate) async fn forge(&self, secret: &str) -> Result<Vec<u16>, BoxError> {
        let secret = WebhookSecret::new(secret)?;
        let mut statuses = Vec::new();
        for _ in self.replicas {
            let status = self.post(self.url(), &secret, "n-forged", 1).await?;
            self.note(status);
            statuses.push(status.as_u16());
        }
        Ok(statuses)
    }

    async fn post(
        &self,
        url: String,
        secret: &WebhookSecret,
        id: &str,
        attempt: usize,
    ) -> Result<StatusCode, BoxError> {
        let body = format!(
            r#"{{"specversion":"1.0","type":"message.created","source":"/nylas/demo","id":"{id}","webhook_delivery_attempt":{attempt},"data":{{"object":{{"id":"m-1","grant_id":"g-1"}}}}}}"#
        );
        let request = Request::post(url)
            .header(SIGNATURE_HEADER, secret.sign(body.as_bytes()).to_hex())
            .body(Full::from(body))?;
        let answer = self.client.request(request).await?;
        let status = answer.status();
        // A connection can be used again once the answer was read.
        answer.into_body().collect().await?;
        Ok(status)
    }

    /// The replicas stand behind one URL, and take turns.
    fn url(&self) -> String {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let replica = self.replicas[turn % self.replicas.len()];
        format!("http://{replica}/webhooks/nylas")
    }

    fn current_secret(&self) -> Result<WebhookSecret, BoxError> {
        let secret = lock(&self.secret).clone();
        secret.ok_or_else(|| "there is no destination".into())
    }

    fn note(&self, status: StatusCode) {
        if let Some(Phase { answers, .. }) = lock(&self.phases).last_mut() {
            let count = match status {
                StatusCode::OK => &mut answers.accepted,
                status if is_repeated(status) => &mut answers.to_be_repeated,
                _ => &mut answers.refused,
            };
            *count += 1;
        }
    }

    /// Prints what happened in each phase and to all notifications; whether none was lost.
    pub(crate) fn print_summary(&self, handled: &Handled) -> bool {
        let phases = lock(&self.phases);
        let names = phases.iter().map(|phase| phase.name.len());
        let width = names.max().unwrap_or_default();
        println!("{:width$}  accepted  to be repeated  refused", "");
        for Phase { name, answers } in &*phases {
            println!(
                "{name:width$}  {:>8}  {:>14}  {:>7}",
                answers.accepted, answers.to_be_repeated, answers.refused
            );
        }

        let sent = lock(&self.sent);
        let count = |is: &dyn Fn(&Sent) -> bool| sent.iter().filter(|sent| is(sent)).count();
        let lost = count(&|sent| !sent.is_accepted || handled.times(&sent.id) == 0);
        println!("\n{:>6} notifications", sent.len());
        for attempts in 1..=BACKOFF.len() + 1 {
            let ended = count(&|sent| sent.is_accepted && sent.attempts == attempts);
            println!("{ended:>6} accepted at attempt {attempts}");
        }
        let twice = count(&|sent| handled.times(&sent.id) > 1);
        println!("{twice:>6} handled more than once");
        println!("{lost:>6} lost");
        lost == 0
    }
}

/// The statuses after which Nylas sends a notification again.
fn is_repeated(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 502 | 503 | 504 | 507)
}

/// No lock is held over anything that can panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Notifications without end.
pub(crate) struct Traffic {
    end: oneshot::Sender<()>,
    task: JoinHandle<Result<(), BoxError>>,
}

impl Traffic {
    /// Sends nothing new, and waits until everything that was sent has come to its end.
    pub(crate) async fn end(self) -> Result<(), BoxError> {
        // There is nobody to tell if the traffic has failed, which the task says.
        let _ = self.end.send(());
        self.task.await?
    }
}
