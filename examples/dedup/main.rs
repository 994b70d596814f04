//! Each notification handled once, by one of two replicas that share their ids in Redis.
//!
//! ```text
//! cargo run --all-features --example dedup
//! ```
//!
//! starts two servers, as on two machines, behind which Nylas' attempts arrive at one or the other,
//! and a stand-in for Redis. In front of the handlers stands a `DeduplicateLayer` over a store of
//! one's own, which is in `redis.rs`: claims that end by themselves, a release that harms no other
//! claim, and a time-out of its own. It prints what became of each delivery, and fails if one was
//! answered or handled otherwise than expected.
//!
//! ```text
//! cargo run --all-features --example dedup -- --redis 127.0.0.1:6379
//! ```
//!
//! uses a real one, of version 7.0 or newer. There, three keys are left for 72 hours.

mod redis;
mod stand_in;

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{Router, http::Uri};
use tokio::{net::TcpListener, sync::Notify};
use tower_nylas::{
    BoxError, DeduplicateLayer, Notification, Secrets, State, TriggerRouter, WebhookLayer,
    WebhookSecret,
    testing::{HttpClient, Nylas},
};

use self::{redis::Redis, stand_in::StandIn};

const PATH: &str = "/webhooks/nylas";
const SECRET: &str = "k7-Hq_inventedSecret";

#[tokio::main]
async fn main() -> Result<ExitCode, BoxError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut play = Play::default();
    match arguments[..] {
        [] => {
            let stand_in = StandIn::start().await?;
            let redis = Redis::at(&stand_in.address.to_string());
            let mut replicas = [replica(&redis, &play).await?, replica(&redis, &play).await?];
            play.deliveries(&mut replicas).await?;
            stand_in.stop().await;
            play.without_redis(&mut replicas).await?;
        }
        ["--redis", address] => {
            let redis = Redis::at(address);
            let mut replicas = [replica(&redis, &play).await?, replica(&redis, &play).await?];
            play.deliveries(&mut replicas).await?;
        }
        _ => return Err("usage: dedup [--redis ADDRESS]".into()),
    }
    println!("{} of {} as expected", play.right, play.all);
    Ok(if play.right == play.all {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What the handlers of both replicas share here, so that the program can look at it.
#[derive(Clone, Default)]
struct Work {
    calls: Arc<AtomicU32>,
    /// A slow notification is being handled.
    started: Arc<Notify>,
    /// It may end.
    go_on: Arc<Notify>,
}

async fn on_message(State(work): State<Work>, mail: Notification) -> Result<(), &'static str> {
    work.calls.fetch_add(1, Ordering::SeqCst);
    match (mail.object["subject"].as_str(), mail.attempt()) {
        (Some("fails at first"), Some(1)) => Err("the database does not answer"),
        (Some("slow"), Some(1)) => {
            work.started.notify_one();
            work.go_on.notified().await;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// A server with handlers of its own, and the way of Nylas to it.
async fn replica(redis: &Redis, play: &Play) -> Result<Nylas<HttpClient>, BoxError> {
    let triggers = TriggerRouter::with_state(play.work.clone()).on("message.created", on_message);
    let once = DeduplicateLayer::over(redis.clone()).layer(triggers);
    let webhooks = WebhookLayer::new(Secrets::new(SECRET)?)
        .observe(|report| println!("    {report}"))
        .layer(once);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let uri: Uri = format!("http://{}{PATH}", listener.local_addr()?).parse()?;
    let app = Router::new().route_service(PATH, webhooks);
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(Nylas::at(uri, WebhookSecret::new(SECRET)?))
}

#[derive(Default)]
struct Play {
    work: Work,
    right: u32,
    all: u32,
}

impl Play {
    async fn deliveries(&mut self, [a, b]: &mut [Nylas<HttpClient>; 2]) -> Result<(), BoxError> {
        println!("the answer to the first attempt is lost on its way");
        self.deliver(a, "usual", 1, 200, 1).await?;
        self.deliver(b, "usual", 2, 200, 0).await?;

        println!("the first attempt fails");
        self.deliver(a, "fails at first", 1, 503, 1).await?;
        self.deliver(b, "fails at first", 2, 200, 1).await?;

        println!("the second attempt comes while the first is being handled");
        let body = body("slow", 1);
        let mut first = a.clone();
        let first = tokio::spawn(async move {
            let answer = first.deliver_once(body).await?;
            Ok::<_, BoxError>(answer.status().as_u16())
        });
        self.work.started.notified().await;
        self.work.calls.store(0, Ordering::SeqCst);
        self.deliver(b, "slow", 2, 503, 0).await?;
        self.work.go_on.notify_one();
        self.compare(first.await??, 200, 0);
        self.deliver(b, "slow", 3, 200, 0).await
    }

    /// Handled twice is what Nylas' "at least once" allows, and lost is not.
    async fn without_redis(&mut self, [a, b]: &mut [Nylas<HttpClient>; 2]) -> Result<(), BoxError> {
        println!("Redis is away");
        self.deliver(a, "unlucky", 1, 200, 1).await?;
        self.deliver(b, "unlucky", 2, 200, 1).await
    }

    /// Sends one attempt, and compares its answer and how often a handler was called.
    async fn deliver(
        &mut self,
        replica: &mut Nylas<HttpClient>,
        subject: &str,
        attempt: u32,
        status: u16,
        calls: u32,
    ) -> Result<(), BoxError> {
        let answer = replica.deliver_once(body(subject, attempt)).await?;
        self.compare(answer.status().as_u16(), status, calls);
        Ok(())
    }

    fn compare(&mut self, answered: u16, status: u16, calls: u32) {
        let called = self.work.calls.swap(0, Ordering::SeqCst);
        let is_right = (answered, called) == (status, calls);
        self.right += u32::from(is_right);
        self.all += 1;
        let verdict = if is_right {
            "as expected"
        } else {
            "UNEXPECTED"
        };
        println!("  {answered}, handlers called: {called} ({verdict})");
    }
}

/// One id for each subject and run: a real Redis remembers those of earlier runs.
fn body(subject: &str, attempt: u32) -> String {
    static RUN: std::sync::LazyLock<u128> = std::sync::LazyLock::new(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.unwrap_or_default().as_nanos()
    });
    format!(
        r#"{{"type":"message.created","id":"{subject} {}","webhook_delivery_attempt":{attempt},"data":{{"object":{{"id":"m-1","grant_id":"g-1","subject":"{subject}"}}}}}}"#,
        *RUN
    )
}
