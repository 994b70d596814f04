//! What operators see: numbers for Prometheus, logs as JSON, and the health of the destination.
//!
//! ```text
//! cargo run --all-features --example observe
//! ```
//!
//! starts a server on a free loopback port and sends it what happens in the life of one: a
//! challenge, notifications that are handled, discarded, unwanted, slow, mislabelled, and failing
//! until they are lost, a small flood of forgeries, and a decline: calendars whose database is
//! away, until nearly everything fails. It prints the log on the way, the answers that Nylas gets
//! and the health to standard error, and at the end the numbers of the layer that `docs/alerts.yml`
//! and `docs/dashboard.json` ask for.
//!
//! ```text
//! NYLAS_WEBHOOK_SECRET=try-me cargo run --all-features --example observe -- --listen 127.0.0.1:8080
//! curl http://127.0.0.1:8080/metrics
//! curl -H 'Accept: application/json' http://127.0.0.1:8080/health
//! ```
//!
//! waits for others to send something. `RUST_LOG` says what is logged, by default
//! `info,tower_nylas=debug`.

use std::{
    future::Future,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Router, http::Uri, routing::get};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    signal::ctrl_c,
    sync::oneshot,
    time::{interval, sleep},
};
use tower_nylas::{
    Ack, BoxError, Notification, Secrets, TriggerRouter, WebhookLayer, WebhookSecret,
    health::{self, Health},
    notification::object::Message,
    observe,
    testing::{self, Nylas},
    time::{Clock, Sleep, Timer, TokioTimer},
};
use tracing_subscriber::{filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

const PATH: &str = "/webhooks/nylas";

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    log_as_json()?;
    let numbers = count()?;
    match arguments[..] {
        [] => play(numbers).await,
        ["--listen", address] => listen(address, numbers).await,
        _ => Err("usage: observe [--listen ADDRESS]".into()),
    }
}

/// One line for each event, with the span of its delivery.
fn log_as_json() -> Result<(), BoxError> {
    let filter = std::env::var("RUST_LOG");
    let filter: Targets = filter
        .as_deref()
        .unwrap_or("info,tower_nylas=debug")
        .parse()?;
    tracing_subscriber::registry()
        .with(fmt::layer().json().with_span_list(false))
        .with(filter)
        .init();
    Ok(())
}

/// Counts from now on. What is installed later than the first request has missed it.
fn count() -> Result<PrometheusHandle, BoxError> {
    let mut prometheus = PrometheusBuilder::new();
    for (name, boundaries) in observe::BUCKETS {
        prometheus =
            prometheus.set_buckets_for_metric(Matcher::Full(name.to_owned()), boundaries)?;
    }
    let numbers = prometheus.install_recorder()?;
    observe::describe_metrics();
    health::describe_metrics();
    Ok(numbers)
}

fn app(layer: WebhookLayer, health: &Health, numbers: PrometheusHandle) -> Router {
    let triggers = TriggerRouter::new()
        .on("message.created", on_message)
        .on("event.*", async || Ack::Discard)
        .on("grant.expired", async || {
            Err::<(), _>("the database does not answer")
        })
        .on("calendar.*", async || Ack::Retry);
    let layer = layer.health(health);
    Router::new()
        .route_service(PATH, layer.layer(triggers))
        // In earnest on a port of their own, which only operators can reach.
        .route("/metrics", get(async move || numbers.render()))
        .route_service("/live", health.live())
        .route_service("/ready", health.ready())
        .route_service("/health", health.report())
}

/// Its lines are inside the span, so they say by themselves which notification they are about.
async fn on_message(mail: Notification<Message>) {
    // The id, and not the subject: a log is no place for what somebody wrote to somebody.
    tracing::info!(message_id = %mail.object.id, "filed");
}

async fn listen(address: &str, numbers: PrometheusHandle) -> Result<(), BoxError> {
    let secrets = Secrets::from_env_or_pending("NYLAS_WEBHOOK_SECRET")?;
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}{PATH}", listener.local_addr()?);
    tokio::spawn(tidy_up(numbers.clone()));
    let health = Health::new();
    tokio::spawn(health.clone().run());
    let app = app(WebhookLayer::new(secrets), &health, numbers);
    let end = async move {
        interrupted().await;
        health.drain();
    };
    serve(listener, app, end).await
}

async fn serve(
    listener: TcpListener,
    app: Router,
    end: impl Future<Output = ()> + Send + 'static,
) -> Result<(), BoxError> {
    let server = axum::serve(listener, app).with_graceful_shutdown(end);
    Ok(server.await?)
}

/// The recorder keeps single values until somebody reads them, or until this.
async fn tidy_up(numbers: PrometheusHandle) {
    let mut turns = interval(Duration::from_secs(5));
    loop {
        turns.tick().await;
        numbers.run_upkeep();
    }
}

/// Waits for ctrl-c, or for the SIGTERM of whatever manages services. From then on no connection is
/// accepted, and what is under way is finished.
async fn interrupted() {
    #[cfg(unix)]
    let terminated = async {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::terminate()).ok()?.recv().await
    };
    #[cfg(not(unix))]
    let terminated = std::future::ready(None::<()>);
    tokio::select! {
        Ok(()) = ctrl_c() => {}
        Some(()) = terminated => {}
        // Nobody can interrupt it in this way, so it goes on.
        else => std::future::pending().await,
    }
    println!("shutting down");
    // A peer that holds its connection would be waited for without end, so the drain has one.
    tokio::spawn(async {
        sleep(WebhookLayer::NYLAS_TIMEOUT).await;
        eprintln!("some connections were still open");
        std::process::exit(0);
    });
}

async fn play(numbers: PrometheusHandle) -> Result<(), BoxError> {
    const SECRET: &str = "k7-Hq_inventedSecret";
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let timer = Ahead::default();
    let health = Health::with_timer(timer.clone());
    let layer = WebhookLayer::with_timer(Secrets::new(SECRET)?, timer.clone());
    let app = app(layer, &health, numbers.clone());
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(serve(listener, app, async { drop(stopped.await) }));
    send(address, WebhookSecret::new(SECRET)?).await?;
    // In the first minutes of a process, no share is more than a warning.
    timer.go_ahead(Duration::from_secs(5 * 60));
    decline(address, WebhookSecret::new(SECRET)?, &health).await?;
    // What is left to be told of the flood is told when the layer is dropped.
    drop(stop);
    server.await??;
    println!("{}", numbers.render());
    Ok(())
}

/// A body that says to be coded in a way that it is not, and comes in two parts.
async fn slow_and_mislabelled(address: SocketAddr, secret: &WebhookSecret) -> Result<(), BoxError> {
    let body = testing::sample("message.created").ok_or("no such sample")?;
    let body = body.as_bytes();
    let (signature, length) = (secret.sign(body).to_hex(), body.len());
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nX-Nylas-Signature: \
         {signature}\r\nContent-Encoding: UTF-8\r\nContent-Length: {length}\r\n\r\n"
    );
    let mut connection = TcpStream::connect(address).await?;
    let (first, second) = body.split_at(length / 2);
    connection
        .write_all(&[head.as_bytes(), first].concat())
        .await?;
    sleep(Duration::from_millis(50)).await;
    connection.write_all(second).await?;
    connection.read_to_end(&mut Vec::new()).await?;
    Ok(())
}

async fn send(address: SocketAddr, secret: WebhookSecret) -> Result<(), BoxError> {
    let uri: Uri = format!("http://{address}{PATH}").parse()?;
    let mut nylas = Nylas::at(uri.clone(), secret.clone());
    nylas.challenge().await?;
    for trigger in [
        "message.created",
        "event.created",
        "grant.expired",
        "contact.updated",
    ] {
        let body = testing::sample(trigger).ok_or("no such sample")?;
        eprintln!("{trigger}: {}", nylas.deliver(body).await);
    }
    for body in [r#"{"type":"yacht.sunk","id":"n-1"}"#, "no JSON"] {
        eprintln!("{body}: {}", nylas.deliver(body).await);
    }
    slow_and_mislabelled(address, &secret).await?;

    let mut forger = Nylas::at(uri, WebhookSecret::new("a-guess")?);
    for _ in 0..1000 {
        forger.deliver_once(r#"{"type":"message.created"}"#).await?;
    }
    Ok(())
}

/// tokio's time, some minutes ahead, which nobody wants to wait for.
#[derive(Clone, Default)]
struct Ahead(Arc<AtomicU64>);

impl Ahead {
    fn go_ahead(&self, by: Duration) {
        self.0.fetch_add(by.as_secs(), Ordering::Relaxed);
    }
}

impl Clock for Ahead {
    fn now(&self) -> Instant {
        TokioTimer.now() + Duration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

impl Timer for Ahead {
    fn sleep(&self, duration: Duration) -> Sleep {
        TokioTimer.sleep(duration)
    }

    fn can_sleep(&self) -> bool {
        TokioTimer.can_sleep()
    }
}

/// More and more of the last minutes has failed. In earnest that takes longer; the levels are the
/// same.
async fn decline(
    address: SocketAddr,
    secret: WebhookSecret,
    health: &Health,
) -> Result<(), BoxError> {
    let mut nylas = Nylas::at(format!("http://{address}{PATH}").parse()?, secret);
    let body = testing::sample("calendar.updated").ok_or("no such sample")?;
    let mut levels = Vec::new();
    for _ in 0..120 {
        nylas.deliver_once(body).await?;
        // In a server, `Health::run` evaluates every 10 seconds.
        let status = health.status();
        if !levels.contains(&status.level) {
            levels.push(status.level);
            eprintln!("health is {status}");
        }
    }
    Ok(())
}
