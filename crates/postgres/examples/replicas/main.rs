//! Three receivers and three workers over one database, and a deployment that restarts all six of
//! them under load.
//!
//! ```text
//! cargo run -p tower-nylas-postgres --example replicas
//! ```
//!
//! starts a server of PostgreSQL in a temporary folder (or uses the one of `DATABASE_URL`), the six
//! processes, and a simulated Nylas, which sends to the receivers by turns, as through a load
//! balancer. One process after the other is replaced; the last worker is killed, as by a machine
//! that dies. At the end it prints who handled what, and fails if a notification was lost, or was
//! handled twice without having been open at the kill.
//!
//! It needs a server and the programs of `crates/kit`, so it is no part of the package; the example
//! `once` and the README show what an application writes.

mod process;
mod scene;

use std::{io::Write, process::ExitCode, time::Duration};

use axum::Router;
use tokio::net::TcpListener;
use tower_nylas::{
    BoxError, Notification, Secrets, TriggerRouter, WebhookLayer,
    inbox::{Enqueue, LazyInbox, Worker},
};
use tower_nylas_kit::{delivery::PATH, program::SECRET_VARIABLE};
use tower_nylas_postgres::PostgresInbox;

const SCHEMA: &str = "nylas_replicas";

/// How many entries each worker handles at a time.
const CONCURRENCY: usize = 8;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ended = match arguments[..] {
        [] => scene::play().await,
        ["receive", url] => receive(url).await.map(|()| true),
        ["work", url] => work(url).await.map(|()| true),
        _ => Err("usage: replicas".into()),
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("replicas: {why}");
            ExitCode::from(2)
        }
    }
}

/// A receiver: it stores what comes, until it is told to end. It also starts while the database is
/// away: then it answers `503`, and stores as soon as it is back.
async fn receive(url: &str) -> Result<(), BoxError> {
    let url = url.to_owned();
    let inbox = LazyInbox::new(move || {
        let url = url.clone();
        async move { open(&url).await }
    });
    if let Err(why) = inbox.open().await {
        eprintln!("not open yet: {why}");
    }
    let secrets = Secrets::from_env(SECRET_VARIABLE)?;
    let webhooks = WebhookLayer::new(secrets).layer(Enqueue::new(inbox.clone()));
    let app = Router::new().route_service(PATH, webhooks);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    axum::serve(listener, app)
        .with_graceful_shutdown(terminated())
        .await?;
    if let Some(inbox) = inbox.get() {
        inbox.close().await;
    }
    Ok(())
}

/// A worker: it handles what is stored, until it is told to end.
async fn work(url: &str) -> Result<(), BoxError> {
    let inbox = open(url).await?;
    println!("working");
    let triggers = TriggerRouter::new().fallback(async |notification: Notification| {
        // In place of an API that is called.
        tokio::time::sleep(Duration::from_millis(5)).await;
        println!("handled {}", notification.id().unwrap_or_default());
    });
    let worker = Worker::new(inbox.clone(), triggers).concurrency(CONCURRENCY);
    worker.run_until(terminated()).await?;
    inbox.close().await;
    std::io::stdout().flush()?;
    Ok(())
}

/// With a short lease, so that what a killed worker had comes again soon.
async fn open(url: &str) -> Result<PostgresInbox, BoxError> {
    let builder = PostgresInbox::builder().schema(SCHEMA);
    Ok(builder.lease(Duration::from_secs(2)).open(url).await?)
}

/// SIGTERM, with which a deployment ends a process.
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut signal) => drop(signal.recv().await),
        Err(_) => std::future::pending().await,
    }
}
