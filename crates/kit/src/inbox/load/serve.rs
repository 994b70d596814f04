//! The side of a receiver.

use std::{
    fs,
    io::Read,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use axum::{Router, routing::get};
use tokio::{net::TcpListener, task::spawn_blocking};
use tower_nylas::{
    Secrets, TriggerRouter, VerifiedBody, WebhookLayer,
    inbox::{Enqueue, Inbox, Worker},
};

use super::Error;
use crate::delivery::{PATH, SECRET};

/// How many entries a worker handles at a time.
const CONCURRENCY: usize = 256;

/// Serves until its input ends, as it does when the measurement has ended. `handled` counts what a
/// worker has handled.
pub async fn serve(app: Router, handled: Arc<AtomicU64>) -> Result<(), Error> {
    let figures = move || {
        let figures = format!("{} {}", handled.load(Relaxed), resident_kib());
        std::future::ready(figures)
    };
    let app = app.route("/figures", get(figures));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, app).await });
    spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}

pub fn webhook() -> Result<WebhookLayer, Error> {
    Ok(WebhookLayer::new(Secrets::new(SECRET)?))
}

/// Stores what comes.
pub fn enqueue(inbox: impl Inbox) -> Result<Router, Error> {
    Ok(Router::new().route_service(PATH, webhook()?.layer(Enqueue::new(inbox))))
}

/// Handles what is stored, and counts it.
pub fn work(inbox: impl Inbox, handled: &Arc<AtomicU64>) {
    let count = handled.clone();
    let triggers = TriggerRouter::new().fallback(move |_: VerifiedBody| {
        count.fetch_add(1, Relaxed);
        std::future::ready(())
    });
    let worker = Worker::new(inbox, triggers).concurrency(CONCURRENCY);
    tokio::spawn(worker.run_until(std::future::pending()));
}

/// Linux tells it; elsewhere it is 0.
pub fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
    number.unwrap_or(0)
}
