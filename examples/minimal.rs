//! A whole receiver to copy. README.md has the lines that send something to it.
use std::sync::Arc;
use tokio::{net::TcpListener, signal, sync::Mutex, time::sleep};
use tower_nylas::notification::object::{Grant, Message};
use tower_nylas::{BoxError, Notification, Secrets, State, TriggerRouter, WebhookLayer};
type App = Arc<Mutex<Vec<String>>>; // what the handlers share, in place of a database

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let triggers = TriggerRouter::with_state(App::default())
        .on("message.created", on_message)
        .on("grant.expired", on_expired);
    let webhooks = WebhookLayer::new(Secrets::from_env("NYLAS_WEBHOOK_SECRET")?).layer(triggers);
    let app = axum::Router::new().route_service("/webhooks/nylas", webhooks);
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8080".into());
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let server = axum::serve(listener, app).with_graceful_shutdown(stopped());
    tokio::select! { // requests under way are answered, and nobody is waited for any longer
        ended = server.into_future() => Ok(ended?),
        () = async { stopped().await; sleep(WebhookLayer::NYLAS_TIMEOUT).await } => Ok(()),
    }
}

async fn on_message(State(app): State<App>, mail: Notification<Message>) {
    println!("mail {}: {:?}", mail.object.id, mail.object.subject);
    app.lock().await.push(mail.object.id.clone());
}

async fn on_expired(grant: Notification<Grant>) {
    println!("{:?} has to log in again", grant.grant_id());
}

async fn stopped() {
    #[cfg(unix)]
    if let Ok(mut terminated) = signal::unix::signal(signal::unix::SignalKind::terminate()) {
        tokio::select! { _ = terminated.recv() => return, _ = signal::ctrl_c() => return }
    }
    let _ = signal::ctrl_c().await;
}
