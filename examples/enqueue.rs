//! Accepted means stored: the server stores each notification and answers, and a worker passes it
//! to the handlers, which fail at times and take as long as they take.
//!
//! ```text
//! NYLAS_WEBHOOK_SECRET=try-me cargo run --features inbox --example enqueue -- 127.0.0.1:8080
//! ```
//!
//! Without the variable it starts pending: see the example `axum`. The delivery below is answered
//! before its handler runs, which fails the first time, and is handled 2 seconds later:
//!
//! ```text
//! BODY='{"type":"message.created","id":"n-1","data":{"object":{"id":"m-1","grant_id":"g-1"}}}'
//! SIGNATURE=$(printf %s "$BODY" | openssl dgst -sha256 -hmac try-me | sed 's/.* //')
//! curl -i http://127.0.0.1:8080/webhooks/nylas -H "X-Nylas-Signature: $SIGNATURE" --data-binary "$BODY"
//! curl http://127.0.0.1:8080/
//! ```
//!
//! `MemoryInbox` is not durable. An engine that is takes its place, and nothing else changes.

use std::sync::Arc;

use axum::{Router, extract, routing::get};
use tokio::{net::TcpListener, signal::ctrl_c, sync::Mutex, sync::oneshot, time::timeout};
use tower_nylas::{
    BoxError, Notification, Secrets, State, TriggerRouter, WebhookLayer,
    inbox::{Delivery, Enqueue, MemoryInbox, Worker},
    notification::object::{Grant, Message},
};

/// What the handlers share, in place of a database. Every clone is the same.
#[derive(Clone, Default)]
struct App(Arc<Mutex<Vec<String>>>);

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:8080");
    let secrets = Secrets::from_env_or_pending("NYLAS_WEBHOOK_SECRET")?;

    let listener = TcpListener::bind(address).await?;
    println!(
        "listening on http://{}/webhooks/nylas",
        listener.local_addr()?
    );
    if secrets.is_pending() {
        println!("pending: NYLAS_WEBHOOK_SECRET is not set");
    }

    let (inbox, app) = (MemoryInbox::new(), App::default());
    let triggers = TriggerRouter::with_state(app.clone())
        .on("message.created", on_message)
        .on("grant.expired", on_expired);
    let (server_ended, shutdown) = oneshot::channel::<()>();
    let worker = Worker::new(inbox.clone(), triggers).run_until(async {
        let _ = shutdown.await;
    });
    let worker = tokio::spawn(worker);

    let webhooks = WebhookLayer::new(secrets).layer(Enqueue::new(inbox));
    let routes = Router::new()
        .route("/", get(list))
        .route_service("/webhooks/nylas", webhooks)
        .with_state(app);
    serve(listener, routes).await?;

    // Nothing more is stored; what is may still be handled, or is given back to the inbox.
    drop(server_ended);
    worker.await??;
    Ok(())
}

/// Serves until ctrl-c or SIGTERM, and then answers what is under way. A peer that holds its
/// connection would be waited for without end, so the drain has one.
async fn serve(listener: TcpListener, routes: Router) -> Result<(), BoxError> {
    let (interrupt, is_interrupted) = oneshot::channel::<()>();
    let server = axum::serve(listener, routes).with_graceful_shutdown(async {
        let _ = is_interrupted.await;
    });
    let mut server = tokio::spawn(server.into_future());
    tokio::select! {
        ended = &mut server => return Ok(ended??),
        () = interrupted() => println!("shutting down"),
    }
    drop(interrupt);
    let Ok(ended) = timeout(WebhookLayer::NYLAS_TIMEOUT, &mut server).await else {
        eprintln!("some connections were still open");
        server.abort();
        return Ok(());
    };
    Ok(ended??)
}

async fn on_message(
    State(app): State<App>,
    delivery: Option<Delivery>,
    mail: Notification<Message>,
) -> Result<(), &'static str> {
    let failures = delivery.map_or(0, |delivery| delivery.failures());
    if failures == 0 {
        return Err("the mail provider is away");
    }
    let tries = failures + 1;
    app.note(format!("mail {} at try {tries}", mail.object.id))
        .await;
    Ok(())
}

async fn on_expired(State(app): State<App>, grant: Notification<Grant>) {
    let grant_id = grant.grant_id().unwrap_or_default();
    app.note(format!("{grant_id} has to log in again")).await;
}

impl App {
    async fn note(&self, line: String) {
        println!("{line}");
        self.0.lock().await.push(line);
    }
}

async fn list(extract::State(app): extract::State<App>) -> String {
    let mut text = String::new();
    for line in &*app.0.lock().await {
        text.extend([line, "\n"]);
    }
    text
}

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
}
