//! What a user of the crate writes.

use std::{future::IntoFuture, io, path::Path, time::Duration};

use axum::Router;
use tokio::{net::TcpListener, signal::ctrl_c, sync::watch, time::sleep};
use tower_nylas::{
    BoxError, Notification, Secrets, TriggerRouter, WebhookLayer,
    inbox::{Enqueue, Worker},
};
use tower_nylas_sqlite::SqliteInbox;

/// Receives and handles until it is interrupted.
pub(crate) async fn run(address: &str, folder: &Path) -> Result<(), BoxError> {
    let secrets = Secrets::from_env("NYLAS_WEBHOOK_SECRET")?;
    std::fs::create_dir_all(folder)?;
    let inbox = SqliteInbox::open(folder.join("nylas-inbox.db")).await?;
    let stop = stop_when_interrupted();

    let triggers = TriggerRouter::new().fallback(handle);
    let worker = Worker::new(inbox.clone(), triggers).concurrency(16);
    let working = tokio::spawn(worker.run_until(stopped(stop.clone())));

    let webhooks = WebhookLayer::new(secrets).layer(Enqueue::new(inbox.clone()));
    let listener = TcpListener::bind(address).await?;
    println!(
        "listening on http://{}/webhooks/nylas",
        listener.local_addr()?
    );
    serve(
        listener,
        Router::new().route_service("/webhooks/nylas", webhooks),
        stop,
    )
    .await?;
    working.await??;
    inbox.close().await;
    Ok(())
}

/// An error here would let the notification come again, later each time.
async fn handle(notification: Notification) {
    // In place of an API that is called, or a database.
    sleep(Duration::from_millis(5)).await;
    println!("handled {}", notification.id().unwrap_or("without an id"));
}

/// Requests under way are answered, and a peer that holds its connection otherwise is not waited
/// for.
async fn serve(listener: TcpListener, app: Router, stop: watch::Receiver<()>) -> io::Result<()> {
    let server = axum::serve(listener, app).with_graceful_shutdown(stopped(stop.clone()));
    let drain_is_over = async {
        stopped(stop).await;
        sleep(WebhookLayer::NYLAS_TIMEOUT).await;
    };
    tokio::select! {
        ended = server.into_future() => ended,
        () = drain_is_over => Ok(()),
    }
}

async fn stopped(mut stop: watch::Receiver<()>) {
    let _ = stop.changed().await;
}

/// Both the server and the worker stop at ctrl-c, and at the SIGTERM of whatever manages services.
fn stop_when_interrupted() -> watch::Receiver<()> {
    let (sender, stop) = watch::channel(());
    tokio::spawn(async move {
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
        let _ = sender.send(());
    });
    stop
}
